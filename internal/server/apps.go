package server

import (
	"net/http"

	"github.com/capakraken/fairlead/internal/api"
	"github.com/capakraken/fairlead/internal/rollout"
)

func (s *Server) health(w http.ResponseWriter, _ *http.Request) error {
	return s.answer(w, http.StatusOK, api.Health{Version: s.Version, Instance: s.Instance, Refusing: s.Rollouts.Refusing()})
}

func (s *Server) apps(w http.ResponseWriter, r *http.Request) error {
	apps := s.Rollouts.Apps(r.Context())
	if apps == nil {
		apps = []rollout.App{} // an empty list is [], not null
	}
	return s.answer(w, http.StatusOK, apps)
}

func (s *Server) app(w http.ResponseWriter, r *http.Request) error {
	app, err := s.Rollouts.App(r.Context(), r.PathValue("app"))
	if err != nil {
		return err
	}
	return s.answer(w, http.StatusOK, app)
}

func (s *Server) secrets(w http.ResponseWriter, r *http.Request) error {
	report, err := s.Rollouts.Secrets(r.Context(), r.PathValue("app"))
	if err != nil {
		return err
	}
	return s.answer(w, http.StatusOK, report)
}

func (s *Server) residue(w http.ResponseWriter, r *http.Request) error {
	report, err := s.Rollouts.Residue(r.Context(), r.PathValue("app"))
	if err != nil {
		return err
	}
	return s.answer(w, http.StatusOK, report)
}

func (s *Server) provisioning(w http.ResponseWriter, r *http.Request) error {
	report, err := s.Rollouts.Provisioning(r.Context(), r.PathValue("app"))
	if err != nil {
		return err
	}
	report.Fairlead = s.Version
	return s.answer(w, http.StatusOK, report)
}

func (s *Server) lock(w http.ResponseWriter, r *http.Request) error {
	var body api.Reason
	if err := decode(w, r, &body); err != nil {
		return err
	}
	if err := reasoned(body.Reason, "a lock"); err != nil {
		return err
	}
	if err := s.Rollouts.Lock(r.Context(), peerOf(r.Context()).Actor, r.PathValue("app"), body.Reason); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// unlock takes a lock away. One that fairlead itself has put on says that a person must look, and only an admin may say
// that somebody has.
func (s *Server) unlock(w http.ResponseWriter, r *http.Request) error {
	var body api.Reason
	if err := decode(w, r, &body); err != nil {
		return err
	}
	if err := reasoned(body.Reason, "an unlock"); err != nil {
		return err
	}
	who := peerOf(r.Context())
	if who.Role < Admin {
		app, err := s.Rollouts.App(r.Context(), r.PathValue("app"))
		if err != nil {
			return err
		}
		if app.Lock.Guards() {
			return forbidden(who, Admin)
		}
	}
	done, err := s.Rollouts.Unlock(r.Context(), who.Actor, r.PathValue("app"), body.Reason)
	if err != nil {
		return err
	}
	return s.answer(w, http.StatusOK, done)
}
