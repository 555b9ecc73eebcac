package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// selfSigned writes a certificate for a name that no one resolves, and its key.
func selfSigned(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"birds.example"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for name, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// TestServeTLS: HTTPS and HTTP/2 for others; the commands on the folder know the server by the certificate that it left there, and its self-test
// finds its own stream.
func TestServeTLS(t *testing.T) {
	cert, key := selfSigned(t)
	data := t.TempDir()
	if _, code := runCommand(t, "serve", "--data", data, "--listen", "127.0.0.1:0", "--tls-cert", cert); code != 2 {
		t.Errorf("a certificate without its key: exit %d", code)
	}
	p := spawn(t, "serve", "--data", data, "--listen", "127.0.0.1:0", "--tls-cert", cert, "--tls-key", key)
	if !strings.HasPrefix(p.url, "https://") {
		t.Fatalf("it serves at %s", p.url)
	}
	if out, code := runCommand(t, "status", "--data", data); code != 0 || !strings.Contains(out, "tweets") {
		t.Errorf("status: exit %d, %s", code, out)
	}
	if out, code := runCommand(t, "healthcheck", "--ready", "--data", data); code != 0 {
		t.Errorf("healthcheck: exit %d, %s", code, out)
	}
	client := &http.Client{Transport: &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	a, err := client.Get(p.url + "/debug/live?wait=0")
	if err != nil || a.StatusCode != 200 || a.ProtoMajor != 2 {
		t.Errorf("%v %+v", err, a)
	}
	a.Body.Close()
	client.CloseIdleConnections()
	p.stop(syscall.SIGTERM)
	if _, err := os.Stat(filepath.Join(data, certificateFile)); err == nil {
		t.Error("the certificate was left behind")
	}
}

// TestRenewedCertificate: the commands on the folder know the server also after its certificate was renewed, those too that began before.
func TestRenewedCertificate(t *testing.T) {
	cert, key := selfSigned(t)
	data := t.TempDir()
	c, err := openCertificate(cert, key, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.leave(data); err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{GetCertificate: c.get})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_ = conn.(*tls.Conn).Handshake() // the client says how it went
			conn.Close()
		}
	}()
	defer func() { l.Close(); <-done }()
	begun := leftConfig(data)
	before, err := os.ReadFile(filepath.Join(data, certificateFile))
	if err != nil {
		t.Fatal(err)
	}
	otherCert, otherKey := selfSigned(t)
	for from, to := range map[string]string{otherCert: cert, otherKey: key} {
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chtimes(cert, time.Time{}, time.Now().Add(time.Second)); err != nil { // clocks of files are coarse
		t.Fatal(err)
	}
	c.mu.Lock()
	c.looked = time.Time{} // a minute has passed
	c.mu.Unlock()
	for _, config := range []*tls.Config{begun, leftConfig(data)} {
		conn, err := tls.Dial("tcp", l.Addr().String(), config)
		if err != nil {
			t.Fatalf("the renewed certificate is not known: %v", err)
		}
		conn.Close()
	}
	if after, err := os.ReadFile(filepath.Join(data, certificateFile)); err != nil || bytes.Equal(before, after) {
		t.Errorf("the folder has the certificate before still: %v", err)
	}
}
