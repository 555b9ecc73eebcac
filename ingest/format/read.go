package format

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"maps"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"birdwatch/tweet"
)

// Item is one record of an input, or what is wrong with it.
type Item struct {
	Records []tweet.Record
	Control *Control // a message that is neither tweet nor notice
	Err     error    // the record is bad; the rest of the input goes on
	Raw     []byte   // of a bad record, as far as it could be told
	// Reference is a tweet that the input names by its id alone, as lists of ids do; 0 for none. There is no record of it: it can be
	// fetched by that id.
	Reference tweet.ID
	File      string // as in tweet.Provenance
	Pos       int64  // line, or number of the record
	Nth       bool   // Pos is the number: the record is one of several in an array or a page
}

// Place is where the record stands, for people.
func (it *Item) Place() string {
	switch {
	case it.Pos <= 0:
		return it.File
	case it.Nth:
		return fmt.Sprintf("%s, record %d", it.File, it.Pos)
	}
	return fmt.Sprintf("%s:%d", it.File, it.Pos)
}

// Options say how an input is read.
type Options struct {
	From       string // provenance of the records
	CapturedAt int64  // Unix milliseconds; 0: unknown
	Stdin      io.Reader
	Progress   *Progress // may be nil
	// Format is "json" (any shape of it), "csv" (any separator), "ids", "export" or "", which looks inside.
	Format string
	// Map says what the columns of a table are, where their names do not tell: field by column. All columns by number, from 1: the
	// table has no line of names. The field "-" is none. Check tells the fields.
	Map map[string]string
	// Charset is the encoding of tables that are no UTF-8, by its name on the web; "" is windows-1252.
	Charset string
}

// Progress tells how far Files has come. Its methods are safe for concurrent use.
type Progress struct {
	read, total atomic.Int64
	mu          sync.Mutex
	file        string
	paths       map[string][]string
}

// Paths are where the files lie that were begun, by their names in provenance; the standard input lies nowhere.
func (p *Progress) Paths() map[string][]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.paths)
}

func (p *Progress) begin(in input) {
	if p == nil {
		return
	}
	p.enter(in.name)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.paths == nil {
		p.paths = map[string][]string{}
	}
	p.paths[in.name] = append(p.paths[in.name], in.path)
}

// Bytes gives how many bytes of the input, as it is stored, are read, and of how many; total is 0 while unknown.
func (p *Progress) Bytes() (read, total int64) { return p.read.Load(), p.total.Load() }

// File is the file that is being read.
func (p *Progress) File() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.file
}

func (p *Progress) enter(file string) {
	if p != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.file = file
	}
}

// chunkMost is how many records are parsed as one piece of work.
const chunkMost = 64

// chunk is some records of one file on their way through the parsers.
type chunk struct {
	items []Item
	raw   []framed
	done  chan struct{}
}

// Read gives the records of one stream of any shape, in order. It stops when ctx ends.
func Read(ctx context.Context, r io.Reader, o Options) iter.Seq[Item] {
	return pipeline(ctx, o, func(b *batcher) {
		in := textReaders.get(b.patient(r))
		defer textReaders.put(in)
		b.text(site{}, in)
	})
}

// pipeline reads in one goroutine, parses in several, and yields in order in the caller's. All end before it returns.
func pipeline(ctx context.Context, o Options, produce func(*batcher)) iter.Seq[Item] {
	return func(yield func(Item) bool) {
		ctx, cancel := context.WithCancel(ctx)
		var running sync.WaitGroup
		defer running.Wait()
		defer cancel()
		workers := runtime.GOMAXPROCS(0)
		work, ordered := make(chan *chunk, 2*workers), make(chan *chunk, 4*workers)
		for range workers {
			running.Go(func() {
				for c := range work {
					c.parse(o)
					close(c.done)
				}
			})
		}
		running.Go(func() {
			defer close(ordered)
			defer close(work)
			b := &batcher{ctx: ctx, o: o, work: work, ordered: ordered}
			produce(b)
			b.flush()
		})
		for c := range ordered {
			<-c.done
			for _, it := range c.items {
				if ctx.Err() != nil || !yield(it) {
					return
				}
			}
		}
	}
}

func (c *chunk) parse(o Options) {
	for i, x := range c.raw {
		x.read(&c.items[i], &o)
	}
	c.raw = nil
}

// read makes what is told of a record. A fault of this program costs the record, not the process.
func (x *framed) read(it *Item, o *Options) {
	defer func() {
		if fault := recover(); fault != nil {
			slog.Error("a record could not be read: a fault of this program", "file", it.File, "pos", it.Pos, "fault", fault, "stack", string(debug.Stack()))
			*it = Item{File: it.File, Pos: it.Pos, Nth: it.Nth, Raw: x.raw, Err: errFault}
		}
	}()
	x.item(it, tweet.Provenance{From: o.From, File: it.File, Pos: it.Pos})
	x.of.finish(it, o)
}

var errFault = errors.New("the record could not be read: a fault of this program, which is in its log")

// item makes what is told of a record.
func (x *framed) item(it *Item, from tweet.Provenance) {
	switch it.Err = x.err; {
	case x.err != nil:
	case x.refer != nil:
		it.Reference, it.Err = x.refer(x.raw)
	case x.parse != nil:
		it.Records, it.Control, it.Err = x.parse(x.raw, from, 0)
	case x.keys&keySound != 0:
		it.Records, it.Control, it.Err = parseSound(x.raw, x.keys, from, 0)
	default:
		it.Records, it.Control, it.Err = Parse(x.raw, from, 0)
	}
	if it.Err != nil {
		it.Raw = x.raw
	}
}

// batcher collects records into chunks.
type batcher struct {
	ctx           context.Context
	o             Options
	work, ordered chan<- *chunk
	next          *chunk
	bytes         int
	spent         *spent // of the file that is being read
	folders       folders
}

// add takes a record of a file; false when nobody wants more.
func (b *batcher) add(file string, x framed) bool {
	if b.next == nil {
		b.next = &chunk{done: make(chan struct{})}
	}
	b.next.items = append(b.next.items, Item{File: file, Pos: x.pos, Nth: x.nth})
	b.next.raw = append(b.next.raw, x)
	if b.bytes += len(x.raw); len(b.next.raw) >= chunkMost || b.bytes > MaxRecord {
		return b.flush()
	}
	return b.ctx.Err() == nil
}

func (b *batcher) flush() bool {
	c := b.next
	b.next, b.bytes = nil, 0
	if c == nil {
		return b.ctx.Err() == nil
	}
	select {
	case b.ordered <- c:
	case <-b.ctx.Done():
		return false
	}
	select {
	case b.work <- c:
		return true
	case <-b.ctx.Done():
		close(c.done) // it waits in ordered for a parser that will not get it
		return false
	}
}

// patient makes r give up when ctx ends, though r itself waits. The goroutine that waits in r then goes on
// until r answers, and takes nothing more.
func (b *batcher) patient(r io.Reader) io.Reader {
	type piece struct {
		data []byte
		err  error
	}
	pieces := make(chan piece)
	go func() {
		var bufs [2][]byte // when one is taken, the other has been used up
		for i, size := 0, pieceFirst; ; i ^= 1 {
			if len(bufs[i]) < size {
				bufs[i] = make([]byte, size)
			}
			buf := bufs[i]
			n, err := r.Read(buf)
			if n == len(buf) {
				size = pieceMost
			}
			select {
			case pieces <- piece{buf[:n], err}:
			case <-b.ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	var now piece
	return readerFunc(func(p []byte) (int, error) {
		for len(now.data) == 0 && now.err == nil {
			select {
			case now = <-pieces:
			case <-b.ctx.Done():
				return 0, b.ctx.Err()
			}
		}
		if len(now.data) == 0 {
			return 0, now.err
		}
		n := copy(p, now.data)
		now.data = now.data[n:]
		return n, nil
	})
}
