package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"birdwatch/api/client"
	"birdwatch/ingest/journal"
	"birdwatch/tweet"
)

// What a server leaves in its data folder while it runs, readable by its owner only, so that the other
// commands find it.
const (
	addressFile = "address" // http://host:port
	tokenFile   = "token"   // the local token: reading and writing
)

// serverFlags say where the server is.
type serverFlags struct {
	Server string `placeholder:"URL" help:"The server to ask. Default: the one that has the data folder."`
	Token  string `placeholder:"TOKEN" help:"Bearer token for the server. Default: the one in the data folder."`
}

// server gives the address and token to use; the address is empty when no server has the folder.
func (s serverFlags) server(data string) (url, token string, err error) {
	url, token = strings.TrimSuffix(s.Server, "/"), s.Token
	if url == "" {
		if url, err = readLine(filepath.Join(data, addressFile)); err != nil || url == "" {
			return "", "", err
		}
		if err := trustFolder(data); err != nil {
			return "", "", err
		}
		if token == "" {
			token, err = readLine(filepath.Join(data, tokenFile))
		}
	}
	return url, token, err
}

// present refuses a data folder that is not there, where no server was named instead of it.
func (s serverFlags) present(data string) error {
	if s.Server != "" {
		return nil
	}
	return existing(data)
}

// hereOrThere runs here with the folder open, or there with the server that has it or that was named.
func hereOrThere(env *environment, d *dataFlags, s *serverFlags, here func(*node) error, there func(*client.Client) error) error {
	if err := s.present(d.Data); err != nil {
		return err
	}
	if s.Server == "" {
		n, err := openNode(env.ctx, *d, journal.Options{}, env.log)
		if err == nil {
			return errors.Join(here(n), n.close())
		}
		if !errors.Is(err, journal.ErrLocked) {
			return err
		}
	}
	c, err := s.client(d.Data)
	if err != nil {
		return err
	}
	return there(c)
}

// client is of the server that was named, or of the one that has the folder, which cannot be opened.
func (s serverFlags) client(data string) (*client.Client, error) {
	address, token, err := s.server(data)
	if err != nil {
		return nil, err
	}
	if address == "" {
		return nil, errBusy(data, journal.ErrLocked)
	}
	return client.New(address, token), nil
}

// parseIDs reads ids of tweets.
func parseIDs(texts []string) (ids []tweet.ID, err error) {
	for _, text := range texts {
		id, err := tweet.ParseID(text)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// readLine gives a small file's text; "" when there is none.
func readLine(name string) (string, error) {
	b, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read what the server left: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}
