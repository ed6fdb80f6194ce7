package api

import (
	"bufio"
	"context"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/capakraken/fairlead/internal/parity"
	"github.com/capakraken/fairlead/internal/rollout"
)

// Health asks whether the daemon is well.
func (c *Client) Health(ctx context.Context) (Health, error) {
	var out Health
	return out, c.do(ctx, call{method: http.MethodGet, path: []string{"v1", "health"}}, &out)
}

// Apps returns every configured app.
func (c *Client) Apps(ctx context.Context) ([]rollout.App, error) {
	var out []rollout.App
	return out, c.do(ctx, call{method: http.MethodGet, path: []string{"v1", "apps"}}, &out)
}

// App returns one app.
func (c *Client) App(ctx context.Context, name string) (rollout.App, error) {
	var out rollout.App
	return out, c.do(ctx, call{method: http.MethodGet, path: []string{"v1", "apps", name}}, &out)
}

// Secrets returns what is known of an app's secrets.
func (c *Client) Secrets(ctx context.Context, app string) (rollout.SecretReport, error) {
	var out rollout.SecretReport
	return out, c.do(ctx, call{method: http.MethodGet, path: []string{"v1", "apps", app, "secrets"}}, &out)
}

// Residue returns what an app's database still holds.
func (c *Client) Residue(ctx context.Context, app string) (rollout.ResidueReport, error) {
	var out rollout.ResidueReport
	return out, c.do(ctx, call{method: http.MethodGet, path: []string{"v1", "apps", app, "residue"}}, &out)
}

// Provisioning returns how an app is provisioned, for a comparison with another host.
func (c *Client) Provisioning(ctx context.Context, app string) (parity.Report, error) {
	var out parity.Report
	return out, c.do(ctx, call{method: http.MethodGet, path: []string{"v1", "apps", app, "provisioning"}}, &out)
}

// Trigger asks for a rollout of an app and returns once it is recorded. A second request with one key that is not ""
// returns the rollout of the first.
func (c *Client) Trigger(ctx context.Context, app string, t Trigger, key string) (Rollout, error) {
	header := http.Header{}
	if key != "" {
		header.Set("Idempotency-Key", key)
	}
	var out Rollout
	return out, c.do(ctx, call{method: http.MethodPost, path: []string{"v1", "apps", app, "rollouts"}, header: header, body: t}, &out)
}

// Rollouts returns the newest rollouts, of one app or, with "", of all; the newest first.
func (c *Client) Rollouts(ctx context.Context, app string, limit int) ([]Rollout, error) {
	query := url.Values{"limit": {strconv.Itoa(limit)}}
	if app != "" {
		query.Set("app", app)
	}
	var out []Rollout
	return out, c.do(ctx, call{method: http.MethodGet, path: []string{"v1", "rollouts"}, query: query}, &out)
}

// Rollout returns one rollout.
func (c *Client) Rollout(ctx context.Context, id string) (Rollout, error) {
	var out Rollout
	return out, c.do(ctx, call{method: http.MethodGet, path: []string{"v1", "rollouts", id}}, &out)
}

// Cancel asks that a rollout be turned back and returns once that is recorded; the rollout ends later.
func (c *Client) Cancel(ctx context.Context, id, reason string) (Rollout, error) {
	var out Rollout
	return out, c.do(ctx, call{method: http.MethodPost, path: []string{"v1", "rollouts", id, "cancel"}, body: Reason{reason}}, &out)
}

// Lock holds an app against new rollouts.
func (c *Client) Lock(ctx context.Context, app, reason string) error {
	return c.do(ctx, call{method: http.MethodPut, path: []string{"v1", "apps", app, "lock"}, body: Reason{reason}}, nil)
}

// Unlock takes an app's lock away. Where fairlead itself had locked it, the answer says what is current now.
func (c *Client) Unlock(ctx context.Context, app, reason string) (rollout.Unlocked, error) {
	var out rollout.Unlocked
	return out, c.do(ctx, call{method: http.MethodDelete, path: []string{"v1", "apps", app, "lock"}, body: Reason{reason}}, &out)
}

// Excerpt says which records of the journal are wanted. With From, Limit counts from there; without, it counts back
// from the newest.
type Excerpt struct {
	From         uint64
	App, Rollout string
	Since        time.Time
	Limit        uint64 // 0 for all
}

func (x Excerpt) query() url.Values {
	q := url.Values{}
	set := func(name, value string, given bool) {
		if given {
			q.Set(name, value)
		}
	}
	set("from", strconv.FormatUint(x.From, 10), x.From > 0)
	set("app", x.App, x.App != "")
	set("rollout", x.Rollout, x.Rollout != "")
	set("since", x.Since.UTC().Format(time.RFC3339), !x.Since.IsZero())
	set("limit", strconv.FormatUint(x.Limit, 10), x.Limit > 0)
	return q
}

// Audit yields records of the journal, each as its exact line without the line feed, valid until the next. An error is
// the last thing that it yields.
func (c *Client) Audit(ctx context.Context, x Excerpt) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		answer, err := c.send(ctx, call{method: http.MethodGet, path: []string{"v1", "audit"}, query: x.query()})
		if err != nil {
			yield(nil, err)
			return
		}
		defer func() { _ = answer.Body.Close() }()
		lines := bufio.NewScanner(answer.Body)
		lines.Buffer(nil, maxEvent)
		for lines.Scan() {
			if !yield(lines.Bytes(), nil) {
				return
			}
		}
		if err := lines.Err(); err != nil {
			yield(nil, c.brokenOff(ctx, err))
		}
	}
}
