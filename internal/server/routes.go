package server

import (
	"net/http"
	"slices"
	"strings"

	"github.com/capakraken/fairlead/internal/fault"
)

// handle answers a request, or returns why it does not; then it has written nothing yet.
type handle func(w http.ResponseWriter, r *http.Request) error

// route is one method on one path.
type route struct {
	method, path string
	least        Role // who has less is refused
	handle       handle
}

// routes returns everything that can be asked for.
func (s *Server) routes() []route {
	return []route{
		{http.MethodGet, "/v1/health", Viewer, s.health},
		{http.MethodGet, "/v1/apps", Viewer, s.apps},
		{http.MethodGet, "/v1/apps/{app}", Viewer, s.app},
		{http.MethodGet, "/v1/apps/{app}/secrets", Viewer, s.secrets},
		{http.MethodGet, "/v1/apps/{app}/residue", Operator, s.residue},           // it opens the app's database
		{http.MethodGet, "/v1/apps/{app}/provisioning", Operator, s.provisioning}, // likewise, and runs its env sources' commands
		{http.MethodPut, "/v1/apps/{app}/lock", Operator, s.lock},
		{http.MethodDelete, "/v1/apps/{app}/lock", Operator, s.unlock}, // of a halted rollout or a lost app: Admin
		{http.MethodPost, "/v1/apps/{app}/rollouts", Operator, s.trigger},
		{http.MethodDelete, "/v1/apps/{app}/waiters/{key}", Operator, s.withdraw},
		{http.MethodGet, "/v1/rollouts", Viewer, s.rollouts},
		{http.MethodGet, "/v1/rollouts/{id}", Viewer, s.rollout},
		{http.MethodGet, "/v1/rollouts/{id}/events", Viewer, s.events},
		{http.MethodPost, "/v1/rollouts/{id}/cancel", Operator, s.cancel},
		{http.MethodGet, "/v1/audit", Viewer, s.audit},
		{http.MethodGet, "/metrics", Viewer, s.metrics},
	}
}

// methods are the routes of one path.
type methods map[string]route

// mux returns the handler of all routes. A path or a method that is no route is answered as such whoever asks; all
// else passes the checks of check first.
func (s *Server) mux() http.Handler {
	paths := map[string]methods{}
	for _, r := range s.routes() {
		if paths[r.path] == nil {
			paths[r.path] = methods{}
		}
		paths[r.path][r.method] = r
	}
	mux := http.NewServeMux()
	for path, m := range paths {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { s.dispatch(m, w, r) })
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { s.fail(w, r, unknownPath(r)) })
	return mux
}

// dispatch answers a request to a path that has these routes.
func (s *Server) dispatch(m methods, w http.ResponseWriter, r *http.Request) {
	to, ok := m[r.Method]
	if !ok {
		w.Header().Set("Allow", m.allowed())
		s.failWith(w, r, http.StatusMethodNotAllowed, fault.New(fault.Usage, "%s takes %s, not %s", r.URL.Path, m.allowed(), r.Method))
		return
	}
	err := s.check(w, r, to)
	if err == nil {
		err = to.handle(w, r)
	}
	if err != nil {
		s.fail(w, r, err)
	}
}

// allowed returns the methods for people and for the Allow header.
func (m methods) allowed() string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

func unknownPath(r *http.Request) error {
	return fault.New(fault.NotFound, "there is nothing at %q", r.URL.Path)
}
