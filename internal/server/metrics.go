package server

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/capakraken/fairlead/internal/rollout"
)

// measured is what Prometheus is told.
type measured struct {
	registry *prometheus.Registry
	rollouts *prometheus.CounterVec
	duration *prometheus.HistogramVec
	residue  *prometheus.GaugeVec
}

func newMeasured(o Options) *measured {
	m := &measured{
		registry: prometheus.NewRegistry(),
		rollouts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fairlead_rollouts_total", Help: "Rollouts that have ended since the daemon started.",
		}, []string{"app", "kind", "outcome"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "fairlead_rollout_duration_seconds", Help: "From a rollout's request to its end.",
			// A replace takes about one second, a pull may take minutes.
			Buckets: []float64{0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600},
		}, []string{"app", "kind"}),
		residue: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "fairlead_residue", Help: "Legacy secret values in the app's database when a rollout last looked.",
		}, []string{"app"}),
	}
	m.registry.MustRegister(m.rollouts, m.duration, m.residue, gauges(o),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Observe counts a rollout that has ended. It is called once for each.
func (s *Server) Observe(ended rollout.State) {
	app, kind := ended.Request.App, string(ended.Request.Kind)
	s.measured.rollouts.WithLabelValues(app, kind, string(ended.Outcome)).Inc()
	s.measured.duration.WithLabelValues(app, kind).Observe(ended.Ended.Sub(ended.Begun).Seconds())
	if ended.Validated != nil && ended.Validated.HasLegacy && len(ended.Residue()) > 0 {
		s.measured.residue.WithLabelValues(app).Set(float64(len(rollout.Left(ended.Residue()))))
	}
}

func (s *Server) metrics(w http.ResponseWriter, r *http.Request) error {
	bound(w)
	promhttp.HandlerFor(s.measured.registry, promhttp.HandlerOpts{DisableCompression: true}).ServeHTTP(w, r)
	return nil
}
