# shellcheck shell=bash disable=SC2034,SC2154,SC2317,SC2015
# How scripts/elasticsearch, which reads this file, starts a server. It sets data, version, port, heap, settings and scripts,
# and has the functions die, kept and ask.

# claim_folder makes the data folder, and holds off a second start until this one is done.
claim_folder() {
	mkdir -p "$data" 2>/dev/null || die "cannot make the folder $data"
	if [ ! -e "$data/.birdwatch" ] && [ -n "$(ls -A "$data")" ]; then
		die "$data holds other things; give a folder that is empty or not there yet"
	fi
	touch "$data/.birdwatch" 2>/dev/null || die "cannot write in the folder $data"
	if command -v flock >/dev/null; then
		exec 9>>"$data/.birdwatch"
		flock 9
	fi
}

# As root the server is run by another user, who owns the data: Elasticsearch refuses to be root.
uid=$(id -u)
as_user=()
choose_user() {
	[ "$uid" = 0 ] || return 0
	command -v setpriv >/dev/null || die "Elasticsearch does not run as root, and setpriv, which runs it as another user, is missing: run this as a plain user"
	uid=$(stat -c %u "$data")
	if [ "$uid" = 0 ]; then
		uid=65534
		chown -R $uid:$uid "$data"
	fi
	as_user=(setpriv "--reuid=$uid" "--regid=$uid" --clear-groups)
}

make_folders() {
	mkdir -p "$data"/{data,logs,repo,tmp,conf/jvm.options.d}
	[ "$(id -u)" != 0 ] || chown "$uid:$uid" "$data"/{data,logs,repo,tmp,conf,conf/jvm.options.d}
	${as_user[@]+"${as_user[@]}"} test -w "$data/data" -a -x "$data/data" ||
		die "user $uid cannot reach $data/data: the folders above it must let others through"
}

# find_java prints the home of the first Java that the version runs on.
find_java() {
	# shellcheck disable=SC2086
	local home major least=17 most=99 seen=''
	case $version in 7.*) most=23 ;; esac # it needs the security manager, which Java 24 has no more
	for home in "${ES_JAVA_HOME:-}" "${JAVA_HOME:-}" "$(java_of_path)" ${BIRDWATCH_JAVA_FOLDERS:-/usr/lib/jvm/* /Library/Java/JavaVirtualMachines/*/Contents/Home}; do
		[ -n "$home" ] && [ -x "$home/bin/java" ] || continue
		major=$("$home/bin/java" -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p')
		if [ -n "$major" ] && [ "$major" -ge $least ] && [ "$major" -le $most ]; then
			echo "$home"
			return
		fi
		seen="${seen:+$seen, }$home (Java ${major:-unknown})"
	done
	if [ $most = 99 ]; then most='or later'; else most="to $most"; fi
	die "version $version needs Java $least $most; found: ${seen:-none}. Install one (Debian: openjdk-17-jre-headless), or set ES_JAVA_HOME"
}

java_of_path() {
	local java
	java=$(command -v java) && java=$(readlink -f "$java" 2>/dev/null) && dirname "$(dirname "$java")"
}

# write_settings writes elasticsearch.yml; what --set gives stands in place of what is written here.
write_settings() {
	local given line
	given=$(printf '%s\n' ${settings[@]+"${settings[@]}"} | sed -n 's/^\([^=]*\)=\(.*\)$/\1: \2/p')
	{
		[ -z "$given" ] || printf '%s\n' "$given"
		while IFS= read -r line; do
			grep -q "^${line%%:*}:" <<<"$given" || printf '%s\n' "$line"
		done <<-YML
			cluster.name: birdwatch-$port
			discovery.type: single-node
			network.host: 127.0.0.1
			http.port: $port
			path.data: $data/data
			path.logs: $data/logs
			path.repo: $data/repo
			xpack.security.enabled: $secured
			cluster.routing.allocation.disk.threshold_enabled: false
		YML
	} >"$data/conf/elasticsearch.yml"
}

start_by_maven() {
	local home java opts file run daemon=()
	java=$(find_java)
	home=$("$scripts/elastic/install" "$version")
	${as_user[@]+"${as_user[@]}"} test -r "$home/bin/elasticsearch" -a -x "$java/bin/java" || die "user $uid cannot read $home or $java"
	secured=false
	[ -z "${ELASTIC_PASSWORD:-}" ] || secured=true
	# Users and roles that were added stay; what belongs to a version comes anew. The log of Java's collector would be written
	# beside the program.
	for file in "$home"/config/*; do
		case ${file##*/} in jvm.options | log4j2.properties) ;; *) [ ! -e "$data/conf/${file##*/}" ] || continue ;; esac
		sed -e '/gc\.log/d' -e "s|=logs/|=$data/logs/|" -e "s|HeapDumpPath=data|HeapDumpPath=$data/tmp|" -e "s|=hs_err|=$data/logs/hs_err|" "$file" >"$data/conf/${file##*/}"
	done
	write_settings
	mark=$$.$(od -An -N8 -tx1 /dev/urandom | tr -d ' \n')
	opts="-Xms$heap -Xmx$heap -Dbirdwatch.mark=$mark"
	# Programs of the distribution get nothing of this environment.
	run=(${as_user[@]+"${as_user[@]}"} env -i "PATH=$PATH" "HOME=$data/tmp" "LIBFFI_TMPDIR=$data/tmp" "ES_TMPDIR=$data/tmp" "ES_JAVA_HOME=$java"
		"ES_PATH_CONF=$data/conf" CLI_JAVA_OPTS=-XX:TieredStopAtLevel=1 "ES_JAVA_OPTS=$opts")
	if [ "$secured" = true ]; then
		[ -e "$data/conf/elasticsearch.keystore" ] || "${run[@]}" "$home/bin/elasticsearch-keystore" create >/dev/null
		printf '%s\n' "$ELASTIC_PASSWORD" | "${run[@]}" "$home/bin/elasticsearch-keystore" add -x -f bootstrap.password >/dev/null
	fi
	rm -f "$data/elasticsearch.pid"
	printf '%s\n' by=maven "version=$version" "scheme=$(scheme)" "port=$port" "mark=$mark" >"$data/server"
	case $version in 7.*) ;; *) daemon=(-d) ;; esac # the launcher of 8 stays beside the server otherwise
	begun=yes
	# A session of its own: the interrupt of a terminal is not for it.
	! command -v setsid >/dev/null || run+=(setsid)
	"${run[@]}" "$home/bin/elasticsearch" -p "$data/elasticsearch.pid" ${daemon[@]+"${daemon[@]}"} </dev/null >"$data/logs/start.log" 2>&1 9>&- &
	starter=$!
}

start_by_docker() {
	local image=docker.elastic.co/elasticsearch/elasticsearch:$version security=() setting
	local owner=$uid
	if [ "$owner" = 0 ] || [ "$owner" = 65534 ]; then owner=1000; fi
	[ "$(id -u)" != 0 ] || chown "$owner:0" "$data"/{data,repo}
	security=(-e xpack.security.enabled=false)
	[ -z "${ELASTIC_PASSWORD:-}" ] || security=(-e xpack.security.enabled=true -e xpack.security.http.ssl.enabled=false -e ELASTIC_PASSWORD)
	for setting in ${settings[@]+"${settings[@]}"}; do security+=(-e "$setting"); done
	docker rm -f "birdwatch-elasticsearch-$port" >/dev/null 2>&1 || true
	begun=yes
	printf '%s\n' by=docker "version=$version" "scheme=$(scheme)" "port=$port" "container=birdwatch-elasticsearch-$port" >"$data/server"
	docker run -d --name "birdwatch-elasticsearch-$port" --label "birdwatch.data=$data" --user "$owner:0" -p "127.0.0.1:$port:9200" \
		-v "$data/data:/usr/share/elasticsearch/data" -v "$data/repo:/usr/share/elasticsearch/repo" \
		-e discovery.type=single-node -e "cluster.name=birdwatch-$port" -e path.repo=/usr/share/elasticsearch/repo \
		-e cluster.routing.allocation.disk.threshold_enabled=false -e "ES_JAVA_OPTS=-Xms$heap -Xmx$heap" "${security[@]}" "$image" 9>&- >/dev/null ||
		die "Docker could not start $image"
}
