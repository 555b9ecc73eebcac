package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"time"
)

type healthcheckCommand struct {
	Data   string `type:"path" default:"birdwatch-data" placeholder:"DIR" help:"Data folder of the server to ask."`
	Server string `placeholder:"URL" help:"The server to ask. Default: the one that has the data folder."`
	Ready  bool   `help:"Ask whether it can do its work, not only whether it lives."`
}

// healthTime is how long a server may take to say how it is.
const healthTime = 3 * time.Second

// Run exits with 0 when the server says that it is well; for containers, which have no curl.
func (c *healthcheckCommand) Run(env *environment) error {
	base := strings.TrimSuffix(c.Server, "/")
	if base == "" {
		var err error
		if base, err = readLine(filepath.Join(c.Data, addressFile)); err != nil {
			return err
		}
		if base == "" {
			return fmt.Errorf("no server has left its address in %s", c.Data)
		}
		if err := trustFolder(c.Data); err != nil {
			return err
		}
	}
	path := "/healthz"
	if c.Ready {
		path = "/readyz"
	}
	ctx, cancel := context.WithTimeout(env.ctx, healthTime)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, base+path, nil)
	if err != nil {
		return usage(fmt.Errorf("healthcheck: %w", err))
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return fmt.Errorf("healthcheck: %w", err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 10_000))
	fmt.Fprintf(env.stdout, "%s\n", strings.TrimSpace(string(text)))
	if answer.StatusCode != http.StatusOK {
		err = errors.Join(err, fmt.Errorf("healthcheck: %s", answer.Status))
	}
	return err
}
