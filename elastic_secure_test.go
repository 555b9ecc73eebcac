package birdwatch_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// program builds birdwatch as it is delivered.
func program(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "birdwatch")
	cmd := exec.Command("go", "build", "-o", path, "./cmd/birdwatch")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return path
}

// birdwatch runs the program to its end and gives all that it wrote.
func birdwatch(t *testing.T, path string, env []string, input string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.Command(path, args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdin = strings.NewReader(input)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// certificate makes one that signs itself, for this machine.
func certificate(t *testing.T) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	c, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	k, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: k})
}

// neededPrivileges are those that the docs say are enough.
func neededPrivileges(t *testing.T) []byte {
	t.Helper()
	guide, err := os.ReadFile("docs/elasticsearch.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```json\n(.*?)```").FindSubmatch(guide)
	if block == nil {
		t.Fatal("docs/elasticsearch.md has no privileges")
	}
	var line bytes.Buffer
	if err := json.Compact(&line, block[1]); err != nil {
		t.Fatal(err)
	}
	return line.Bytes()
}

// TestElasticsearchSecured: over TLS, as a user with no more than the documented privileges, all that the archive is for works;
// with a wrong certificate or password it says so; and no secret is ever written.
func TestElasticsearchSecured(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED LOUDLY: -short; it starts an Elasticsearch")
	}
	t.Parallel()
	need(t, "java")
	need(t, "curl")
	list, err := os.ReadFile("scripts/elastic/versions")
	if err != nil {
		t.Fatal(err)
	}
	versions := strings.Fields(string(list))
	data, port := filepath.Join(openDir(t), "data"), freePort(t)
	cert, key := certificate(t)
	other, _ := certificate(t)
	const (
		password = "the-archive-keeps-it"
		hashed   = "$2a$04$Ss5LX3KnYSSB9MwwBtGR0uWJFpWCUW6ll37rTg4LpDJ2zVUU2q9FS"
		plain    = "keeps-the-archive"
	)
	for name, text := range map[string]string{
		".birdwatch": "", "conf/cert.pem": string(cert), "conf/key.pem": string(key), "conf/other.pem": string(other),
		"conf/roles.yml": "birdwatch: " + string(neededPrivileges(t)) + "\n", "conf/users": "keeper:" + hashed + "\n", "conf/users_roles": "birdwatch:keeper\n",
	} {
		if err := os.MkdirAll(filepath.Join(data, "conf"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(data, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	secured := []string{"ELASTIC_PASSWORD=" + password}
	t.Cleanup(func() { script(t, secured, "stop", "--data", data) })
	if out, code := script(t, secured, "start", "--by", "maven", "--version", versions[len(versions)-1], "--data", data, "--port", port, "--heap", "512m",
		"--set", "xpack.security.http.ssl.enabled=true", "--set", "xpack.security.http.ssl.key=key.pem", "--set", "xpack.security.http.ssl.certificate=cert.pem"); code != 0 {
		t.Fatalf("%d %s", code, out)
	}

	path, folder := program(t), filepath.Join(t.TempDir(), "data")
	ca := filepath.Join(data, "conf", "cert.pem")
	env := []string{"BIRDWATCH_ELASTIC=https://127.0.0.1:" + port, "BIRDWATCH_ELASTIC_USER=keeper", "BIRDWATCH_ELASTIC_PASSWORD=" + plain,
		"BIRDWATCH_ELASTIC_CA=" + ca, "BIRDWATCH_DATA=" + folder, "BIRDWATCH_LOG_LEVEL=debug"}
	const line = `{"id_str":"1050118621198921728","text":"under lock and key","created_at":"Wed Oct 10 20:19:24 +0000 2018","user":{"id_str":"1","screen_name":"a"}}`
	said := ""
	for _, c := range []struct{ input, says, args string }{
		{line, "1 new", "import -"},
		{"", "under lock and key", "search lock"},
		{"", "tweets         1", "status"},
		{"", "", "deadletters list"},
		{"", "the index is new", "reindex"},
		{"", "under lock and key", "search key"},
	} {
		out, err := birdwatch(t, path, env, c.input, strings.Fields(c.args)...)
		if err != nil || !strings.Contains(out, c.says) {
			t.Errorf("%s: %v\n%s", c.args, err, out)
		}
		said += out
	}
	for name, c := range map[string]struct{ change, says string }{
		"a certificate that nobody vouches for": {"BIRDWATCH_ELASTIC_CA=" + filepath.Join(data, "conf", "other.pem"), "certificate"},
		"a wrong password":                      {"BIRDWATCH_ELASTIC_PASSWORD=" + plain + "-not", "401"},
		"a key that is none":                    {"BIRDWATCH_ELASTIC_API_KEY=" + plain, "401"},
	} {
		out, err := birdwatch(t, path, append(env, c.change), "", "search", "lock")
		if err == nil || !strings.Contains(out, c.says) {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
		said += out
	}
	if strings.Contains(said, plain) {
		t.Errorf("the password was written:\n%s", said)
	}
}
