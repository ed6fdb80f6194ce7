package server

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/capakraken/fairlead/internal/api"
	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/orchestrator"
	"github.com/capakraken/fairlead/internal/rollout"
)

// How many rollouts a list holds, unless it is asked for less, and at most.
const (
	usualRollouts = 20
	mostRollouts  = 1000
)

func (s *Server) trigger(w http.ResponseWriter, r *http.Request) error {
	var body api.Trigger
	if err := decode(w, r, &body); err != nil {
		return err
	}
	request := orchestrator.Request{
		App: r.PathValue("app"), Kind: body.Kind, Image: body.Image, Release: body.Release, Confirmed: body.Confirmed, Force: body.Force, AllowWeaker: body.AllowWeaker, IfChanged: body.IfChanged, Reason: body.Reason,
		IdempotencyKey: r.Header.Get("Idempotency-Key"), From: body.From,
	}
	if err := acceptable(request); err != nil {
		return err
	}
	state, err := s.begin(w, r, request)
	if err != nil {
		return err
	}
	if state.Request.ID == "" { // the condition did not hold, so there is nothing to follow
		return s.answer(w, http.StatusOK, api.NewRollout(state))
	}
	w.Header().Set("Location", "/v1/rollouts/"+url.PathEscape(state.Request.ID))
	return s.answer(w, http.StatusAccepted, api.NewRollout(state))
}

// acceptable refuses what would be stored and shown and is no plain text. All else is the orchestrator's to judge.
func acceptable(r orchestrator.Request) error {
	if len(r.Kind.Steps()) == 0 {
		return fault.New(fault.Usage, "the field \"kind\" is %q, where deploy, rotate, rollback or cleanup belongs", r.Kind)
	}
	if err := plainText("reason", r.Reason, maxReason); err != nil {
		return err
	}
	if err := plainText("image", r.Image, maxReason); err != nil {
		return err
	}
	if err := plainText("release", r.Release, maxReason); err != nil {
		return err
	}
	if r.Kind != rollout.Rollback && (r.Release != "" || r.Confirmed) {
		return fault.New(fault.Usage, "the fields \"release\" and \"confirmed\" are of a rollback, and not of a %s", r.Kind)
	}
	if err := verifiedThere(r); err != nil {
		return err
	}
	return plainText("Idempotency-Key", r.IdempotencyKey, maxKey)
}

// mostDrift is how many points may be named that break parity.
const mostDrift = 1000

// digest is what a registry calls an image by, and nothing else.
var digest = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

// verifiedThere refuses an origin that says something else than the request.
func verifiedThere(r orchestrator.Request) error {
	f := r.From
	switch {
	case f == nil:
		return nil
	case r.Kind != rollout.Deploy:
		return fault.New(fault.Usage, "the field \"from\" is of a deploy, and not of a %s", r.Kind)
	case !digest.MatchString(f.Digest) || r.Image != f.Digest && !strings.HasSuffix(r.Image, "@"+f.Digest):
		return fault.New(fault.Usage, "the image is not the one that the field \"from\" says was verified; nothing was changed")
	case len(f.Drift) > 0 && strings.TrimSpace(r.Reason) == "":
		return fault.New(fault.Usage, "parity is broken, and nobody says why it may be: --reason …; nothing was changed")
	case len(f.Drift) > mostDrift:
		return fault.New(fault.Usage, "the field \"from\" names more than %d points; nothing was changed", mostDrift)
	}
	for _, text := range append([]string{f.Context, f.Instance, f.Environment, f.App, f.Rollout, f.Digest}, f.Drift...) {
		if err := plainText("field \"from\"", text, maxReason); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) rollouts(w http.ResponseWriter, r *http.Request) error {
	params, err := query(r, "app", "limit")
	if err != nil {
		return err
	}
	limit, err := count("limit", params["limit"], usualRollouts, mostRollouts)
	if err != nil {
		return err
	}
	list := []api.Rollout{}
	for _, state := range s.Rollouts.Rollouts(params["app"], int(limit)) {
		list = append(list, api.NewRollout(state))
	}
	return s.answer(w, http.StatusOK, list)
}

func (s *Server) rollout(w http.ResponseWriter, r *http.Request) error {
	state, err := s.Rollouts.Rollout(r.PathValue("id"))
	if err != nil {
		return err
	}
	return s.answer(w, http.StatusOK, api.NewRollout(state))
}

func (s *Server) cancel(w http.ResponseWriter, r *http.Request) error {
	var body api.Reason
	if err := decode(w, r, &body); err != nil {
		return err
	}
	if err := plainText("reason", body.Reason, maxReason); err != nil {
		return err
	}
	state, err := s.Rollouts.Cancel(r.Context(), peerOf(r.Context()).Actor, r.PathValue("id"), body.Reason)
	if err != nil {
		return err
	}
	return s.answer(w, http.StatusAccepted, api.NewRollout(state))
}
