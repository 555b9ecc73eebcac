#!/usr/bin/env bash
# Reads a stream with curl -N, which leaves coming again to its caller, and prints the id and the data of each tweet.
set -u
last='' id='' event='' data=''
while true; do
	while IFS= read -r line; do
		case $line in
		'id: '*) id=${line#id: } ;;
		'event: '*) event=${line#event: } ;;
		'data: '*) data=${line#data: } ;;
		'')
			[ -z "$id" ] || last=$id
			[ -n "$event" ] || [ -z "$data" ] || printf '%s %s\n' "$id" "$data"
			id='' event='' data=''
			;;
		esac
	done < <(curl -sN ${last:+-H "Last-Event-ID: $last"} "$1")
	sleep 0.5
done
