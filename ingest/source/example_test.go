package source_test

import (
	"context"
	"fmt"
	"net"
	"net/http"

	"birdwatch/ingest/replay"
	"birdwatch/ingest/sample"
	"birdwatch/ingest/source"
	"birdwatch/tweet"
)

// A demonstration without a network: the bundled tweets, played as new ones by a server in the same process,
// come in by the same way as any stream.
func Example() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	player, err := replay.New(replay.Options{Tape: replay.FromLines(sample.Lines()), Loop: true, Renumber: true,
		Source: `<a href="https://example.org" rel="nofollow">BirdWatch replay</a>`, Pace: replay.Pace{PerSecond: 100}})
	if err != nil {
		fmt.Println(err)
		return
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	// The base context ends the streams: Shutdown alone would wait for them.
	server := &http.Server{Handler: player, BaseContext: func(net.Listener) context.Context { return ctx }}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()

	stream, err := source.New(source.Config{Name: "demo", BaseURL: "http://" + listener.Addr().String(), Topics: source.Topics{Sample: true}, Convert: convert,
		ConsumerKey: "demo", ConsumerSecret: "demo", Token: "demo", TokenSecret: "demo"})
	if err != nil {
		fmt.Println(err)
		return
	}
	n := 0
	err = stream.Run(ctx, func(_ context.Context, recs []tweet.Record) error {
		if n += len(recs); n >= 10 {
			cancel()
		}
		return nil
	})
	fmt.Println(n >= 10, err)
	fmt.Println(server.Shutdown(context.Background()), <-served)
	// Output:
	// true context canceled
	// <nil> http: Server closed
}
