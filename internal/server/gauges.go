package server

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/capakraken/fairlead/internal/rollout"
)

// looked is how many of the newest rollouts are looked at for those that run. One app runs one at a time.
const looked = 100

// present tells Prometheus what is so at the moment when it asks.
type present struct {
	Options
	build, active, refusing, head *prometheus.Desc
}

func gauges(o Options) present {
	return present{
		Options:  o,
		build:    prometheus.NewDesc("fairlead_build_info", "Always 1; the labels tell what runs.", []string{"version", "instance"}, nil),
		active:   prometheus.NewDesc("fairlead_rollouts_active", "Rollouts that run now.", nil, nil),
		refusing: prometheus.NewDesc("fairlead_refusing", "1 when no rollout is accepted now, 0 when all is well.", nil, nil),
		head:     prometheus.NewDesc("fairlead_journal_head_seq", "Sequence number of the newest durable record.", nil, nil),
	}
}

// Describe sends what Collect can tell.
func (p present) Describe(to chan<- *prometheus.Desc) {
	to <- p.build
	to <- p.active
	to <- p.refusing
	to <- p.head
}

// Collect sends what is so now.
func (p present) Collect(to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	active := 0.0
	for _, s := range p.Rollouts.Rollouts("", looked) {
		if s.Phase != rollout.Over {
			active++
		}
	}
	refusing := 0.0
	if p.Rollouts.Refusing() != "" {
		refusing = 1
	}
	gauge(p.build, 1, p.Version, p.Instance)
	gauge(p.active, active)
	gauge(p.refusing, refusing)
	if p.Head != nil {
		gauge(p.head, float64(p.Head()))
	}
}
