package main

import (
	"bytes"
	"fmt"
	"math/bits"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
)

// histogram counts microseconds, to 3 percent.
type histogram struct{ counts [64 * 32]atomic.Int64 }

func (h *histogram) add(us int64) {
	v, i := uint64(max(us, 0)), 0
	if v < 32 {
		i = int(v)
	} else {
		e := bits.Len64(v) - 6
		i = (e+1)*32 + int(v>>uint(e)) - 32
	}
	h.counts[i].Add(1)
}

func (h *histogram) reset() {
	for i := range h.counts {
		h.counts[i].Store(0)
	}
}

// quantile is in milliseconds.
func (h *histogram) quantile(q float64) float64 {
	var all, sum int64
	for i := range h.counts {
		all += h.counts[i].Load()
	}
	for i := range h.counts {
		if sum += h.counts[i].Load(); float64(sum) >= q*float64(all) {
			if i < 32 {
				return float64(i) / 1000
			}
			e := i/32 - 1
			return float64(int64(i%32+32)<<uint(e)) / 1000
		}
	}
	return 0
}

// process is the server's, by its id.
type process int

func (p process) file(name string) string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", p, name))
	if err != nil {
		panic(err) // without the server there is nothing to measure
	}
	return string(b)
}

// resident is in KB.
func (p process) resident() float64 { return p.status("VmRSS:") }

// private is what of it is no file's, in KB.
func (p process) private() float64 { return p.status("RssAnon:") }

func (p process) status(name string) float64 {
	_, rest, _ := strings.Cut(p.file("status"), name)
	return number(strings.Fields(rest)[0])
}

// cpu is what the process has used, in microseconds, to 10,000.
func (p process) cpu() float64 {
	stat := []byte(p.file("stat"))
	f := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+2:])
	return (number(string(f[11])) + number(string(f[12]))) * 10_000
}

func number(s string) float64 {
	n, err := strconv.ParseFloat(s, 64)
	if err != nil {
		panic(err)
	}
	return n
}
