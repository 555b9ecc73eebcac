package main

import "github.com/prometheus/client_golang/prometheus"

// register adds the sources to the metrics.
func (s *sources) register(r *prometheus.Registry) { r.MustRegister(sourceCollector{s}) }

// sourceCollector makes the metrics of the sources when they are asked for.
type sourceCollector struct{ *sources }

var (
	sourceConnected = prometheus.NewDesc("birdwatch_source_connected", "Whether the source is connected.", []string{"source"}, nil)
	sourceLast      = prometheus.NewDesc("birdwatch_source_last_message_seconds", "When the last byte came, Unix time.", []string{"source"}, nil)
	sourceEvents    = prometheus.NewDesc("birdwatch_source_events_total", "What came and happened: attempts, connects, tweets, notices, others, limited, warnings, refused, truncated, bytes, posts.", []string{"source", "event"}, nil)
	sourceRecords   = prometheus.NewDesc("birdwatch_source_records_total", "Records by what the journal made of them: new, updated, same (a duplicate), deleted, honored, noted.", []string{"source", "verdict"}, nil)
	sourceDrops     = prometheus.NewDesc("birdwatch_source_drops_total", "Connections that ended or were not made, by cause.", []string{"source", "cause"}, nil)
)

// Describe lists what there is.
func (c sourceCollector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{sourceConnected, sourceLast, sourceEvents, sourceDrops, sourceRecords} {
		to <- d
	}
}

// Collect reads the states.
func (c sourceCollector) Collect(to chan<- prometheus.Metric) {
	for _, l := range c.all {
		st := l.State()
		connected, last := 0.0, 0.0
		if st.Connected {
			connected = 1
		}
		if !st.LastMessage.IsZero() {
			last = float64(st.LastMessage.UnixMilli()) / 1000
		}
		to <- prometheus.MustNewConstMetric(sourceConnected, prometheus.GaugeValue, connected, st.Name)
		to <- prometheus.MustNewConstMetric(sourceLast, prometheus.GaugeValue, last, st.Name)
		for event, n := range countsOf(&st) {
			to <- prometheus.MustNewConstMetric(sourceEvents, prometheus.CounterValue, float64(n), st.Name, event)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for k, n := range c.drops {
		to <- prometheus.MustNewConstMetric(sourceDrops, prometheus.CounterValue, float64(n), k[0], k[1])
	}
	for k, n := range c.made {
		to <- prometheus.MustNewConstMetric(sourceRecords, prometheus.CounterValue, float64(n), k[0], k[1])
	}
}
