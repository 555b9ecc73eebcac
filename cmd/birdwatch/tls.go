package main

import (
	"bytes"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// certificateFile is where a server that speaks TLS leaves its certificate, so that commands on its folder know it again.
const certificateFile = "certificate"

// certificate is that of the server, read anew when its file changes: those who renew it do not restart anything.
type certificate struct {
	cert, key string
	log       *slog.Logger

	mu      sync.Mutex // guards what follows
	now     *tls.Certificate
	written time.Time // the file's time
	looked  time.Time
	left    string // the folder that has it for the commands; "" for none
}

// certificateLook is how often the file is looked at, at most.
const certificateLook = time.Minute

func openCertificate(cert, key string, log *slog.Logger) (*certificate, error) {
	c := &certificate{cert: cert, key: key, log: log}
	return c, c.read()
}

// read: c.mu is held, or nobody else has c.
func (c *certificate) read() error {
	info, err := os.Stat(c.cert)
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	c.looked = time.Now()
	if c.now != nil && info.ModTime().Equal(c.written) {
		return nil
	}
	now, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	if c.left != "" { // before anyone is shown it
		if err := leaveCertificate(c.left, &now); err != nil {
			c.log.Error("the commands on the folder will not know the server's new certificate", "error", err)
		}
	}
	c.now, c.written = &now, info.ModTime()
	return nil
}

func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.looked) > certificateLook {
		if err := c.read(); err != nil {
			c.log.Error("the certificate cannot be read; the one before is used", "error", err)
		}
	}
	return c.now, nil
}

// leave writes the certificate, and each that takes its place, for the commands that find the server by its folder.
func (c *certificate) leave(data string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left = data
	return leaveCertificate(data, c.now)
}

func leaveCertificate(data string, c *tls.Certificate) error {
	b := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]})
	name := filepath.Join(data, certificateFile)
	if err := os.WriteFile(name+".new", b, 0o600); err != nil {
		return fmt.Errorf("leave the certificate: %w", err)
	}
	if err := os.Rename(name+".new", name); err != nil { // nobody reads half of it
		return fmt.Errorf("leave the certificate: %w", err)
	}
	return nil
}

// trustFolder lets this process's requests trust the certificate that a server left in the folder, whatever name it is for; they go to the
// address that it left beside.
func trustFolder(data string) error {
	b, err := leftCertificate(data)
	if err != nil || b == nil {
		return err
	}
	transport, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return errors.New("requests go out in a way that the server's certificate cannot be checked in")
	}
	transport.TLSClientConfig = leftConfig(data)
	return nil
}

// leftConfig looks at what the folder has when a connection is made: the certificate may have been renewed since.
func leftConfig(data string) *tls.Config {
	return &tls.Config{InsecureSkipVerify: true, VerifyConnection: func(s tls.ConnectionState) error {
		b, err := leftCertificate(data)
		if err != nil {
			return err
		}
		if len(s.PeerCertificates) == 0 || !bytes.Equal(s.PeerCertificates[0].Raw, b) {
			return errors.New("the server's certificate is not the one that it left in its folder")
		}
		return nil
	}}
}

// leftCertificate gives what a server left in the folder; nil when there is none.
func leftCertificate(data string) ([]byte, error) {
	b, err := readLine(filepath.Join(data, certificateFile))
	if err != nil || b == "" {
		return nil, err
	}
	block, _ := pem.Decode([]byte(b + "\n"))
	if block == nil {
		return nil, errors.New("the certificate that the server left cannot be read")
	}
	return block.Bytes, nil
}
