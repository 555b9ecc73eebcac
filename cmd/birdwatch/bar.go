package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// bar shows progress: one line that changes on a terminal, a line now and then elsewhere.
type bar struct {
	w        io.Writer
	on       bool
	live     bool
	started  time.Time
	last     time.Time
	every    time.Duration
	width    int
	occupied bool
}

func newBar(w io.Writer, on bool) *bar {
	b := &bar{w: w, on: on, live: terminal(w), started: time.Now(), every: 5 * time.Second, width: 80}
	if b.live {
		b.every = 100 * time.Millisecond
		if f, ok := w.(*os.File); ok {
			if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 20 {
				b.width = width
			}
		}
	}
	b.last = b.started
	return b
}

func (b *bar) show(read, total, records int64, file string) {
	now, due := b.due()
	if !due {
		return
	}
	rate := float64(records) / max(now.Sub(b.started).Seconds(), 0.001)
	text := fmt.Sprintf("%d records, %.0f/s", records, rate)
	if total > 0 && read <= total {
		done := float64(read) / float64(total)
		left := "…"
		if done > 0.01 {
			left = time.Duration(float64(now.Sub(b.started)) * (1 - done) / done).Round(time.Second).String()
		}
		const cells = 20
		full := int(done * cells)
		text = fmt.Sprintf("[%s%s] %3.0f %% of %s, %s, %s left", strings.Repeat("#", full), strings.Repeat(".", cells-full), done*100, bytesText(total), text, left)
	}
	b.write(text + "  " + file)
}

// count shows how many of what there is are done.
func (b *bar) count(unit string, done, total int64) {
	now, due := b.due()
	if !due {
		return
	}
	rate := float64(done) / max(now.Sub(b.started).Seconds(), 0.001)
	if total <= 0 {
		b.write(fmt.Sprintf("%d %s, %.0f/s", done, unit, rate))
		return
	}
	b.write(fmt.Sprintf("%3.0f %% of %d %s, %.0f/s", 100*float64(min(done, total))/float64(total), total, unit, rate))
}

// due says whether it is time to show something, and when that is.
func (b *bar) due() (time.Time, bool) {
	now := time.Now()
	if !b.on || now.Sub(b.last) < b.every {
		return now, false
	}
	b.last = now
	return now, true
}

func (b *bar) write(text string) {
	if !b.live {
		fmt.Fprintln(b.w, text)
		return
	}
	if points := []rune(text); len(points) >= b.width {
		text = string(points[:b.width-1])
	}
	fmt.Fprintf(b.w, "\r\x1b[K%s", text)
	b.occupied = true
}

// line writes a line that stays.
func (b *bar) line(s string) {
	b.end()
	fmt.Fprintln(b.w, s)
}

// end takes the bar away.
func (b *bar) end() {
	if b.occupied {
		fmt.Fprint(b.w, "\r\x1b[K")
		b.occupied = false
	}
}

func bytesText(n int64) string {
	const units = "kMGT"
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	f, i := float64(n)/1000, 0
	for ; f >= 1000 && i < len(units)-1; i++ {
		f /= 1000
	}
	return fmt.Sprintf("%.1f %cB", f, units[i])
}
