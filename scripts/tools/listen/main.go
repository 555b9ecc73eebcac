// listen reads a stream with a client library that was not made here, and prints the id and the data of each tweet: what the libraries do with a
// connection that breaks is theirs.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net/http"

	r3 "github.com/r3labs/sse/v2"
	gosse "github.com/tmaxmax/go-sse"
)

func main() {
	kind := flag.String("kind", "", "r3labs or go-sse")
	flag.Parse()
	url := flag.Arg(0)
	switch *kind {
	case "r3labs":
		err := r3.NewClient(url).SubscribeRawWithContext(context.Background(), func(e *r3.Event) {
			if len(e.Event) == 0 && len(e.Data) > 0 {
				fmt.Printf("%s %s\n", e.ID, e.Data)
			}
		})
		log.Fatal(err)
	case "go-sse":
		r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, nil)
		if err != nil {
			log.Fatal(err)
		}
		c := gosse.NewConnection(r)
		c.SubscribeMessages(func(e gosse.Event) {
			if e.Data != "" {
				fmt.Printf("%s %s\n", e.LastEventID, e.Data)
			}
		})
		log.Fatal(c.Connect())
	}
	log.Fatalf("no library is called %q", *kind)
}
