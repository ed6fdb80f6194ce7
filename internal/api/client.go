package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"

	"github.com/capakraken/fairlead/internal/fault"
)

// maxAnswer bounds an answer that is held in memory. The longest is a list of rollouts.
const maxAnswer = 64 << 20

// Client asks the daemon. Its errors are those of the daemon, with their kinds; when nobody answers the kind is
// Unreachable. It is safe for concurrent use.
type Client struct {
	socket string // or what else the daemon is called for people
	http   *http.Client
	long   *http.Client // waits as long for an answer as the caller does
	// OnVersion is called with the daemon's version after every answer, where it is not nil.
	OnVersion func(version string)
	spoke     atomic.Bool // the daemon has answered something
}

// Dial connects with a daemon. Where its error is a fault, that is what a caller is told.
type Dial func(ctx context.Context) (net.Conn, error)

// NewClient returns a client of the daemon behind the unix socket. It does not connect yet.
func NewClient(socket string) *Client { return NewClientOver(socket, overSocket(socket)) }

// NewClientOver returns a client of the daemon that dial connects with; where says for people which one that is. It does not
// connect yet.
func NewClientOver(where string, dial Dial) *Client {
	// The daemon never redirects; whoever does is not the daemon.
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	slow := transport(dial)
	slow.ResponseHeaderTimeout = 0
	return &Client{socket: where, http: &http.Client{Transport: transport(dial), CheckRedirect: stay},
		long: &http.Client{Transport: slow, CheckRedirect: stay}}
}

// Close closes the connections that are not in use.
func (c *Client) Close() {
	c.http.CloseIdleConnections()
	c.long.CloseIdleConnections()
}

// call is one request.
type call struct {
	method string
	path   []string // its segments, not escaped
	query  url.Values
	header http.Header
	body   any  // nil for none
	long   bool // the answer may take any time
}

// do sends a call and decodes the answer into out, unless that is nil.
func (c *Client) do(ctx context.Context, to call, out any) error {
	answer, err := c.send(ctx, to)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(io.LimitReader(answer.Body, maxAnswer)).Decode(out); err != nil {
		return c.brokenOff(ctx, err)
	}
	return nil
}

// send sends a call and returns the answer if it is a good one. The caller closes its body.
func (c *Client) send(ctx context.Context, to call) (*http.Response, error) {
	request, err := to.request(ctx)
	if err != nil {
		return nil, err
	}
	via := c.http
	if to.long {
		via = c.long
	}
	answer, err := via.Do(request)
	if err != nil {
		return nil, c.unanswered(ctx, to.method, err)
	}
	c.spoke.Store(true)
	if c.OnVersion != nil {
		c.OnVersion(answer.Header.Get("Fairlead-Version"))
	}
	if answer.StatusCode >= 200 && answer.StatusCode < 300 {
		return answer, nil
	}
	defer func() { _ = answer.Body.Close() }()
	return nil, c.problem(answer)
}

// request returns the HTTP request of a call.
func (to call) request(ctx context.Context) (*http.Request, error) {
	var body io.Reader
	if to.body != nil {
		encoded, err := json.Marshal(to.body)
		if err != nil {
			return nil, fault.Hide(err, fault.Internal, "the request cannot be encoded")
		}
		body = bytes.NewReader(encoded)
	}
	u := url.URL{Scheme: "http", Host: "fairlead", RawQuery: to.query.Encode()}
	request, err := http.NewRequestWithContext(ctx, to.method, u.JoinPath(escaped(to.path)...).String(), body)
	if err != nil {
		return nil, fault.Hide(err, fault.Internal, "the request cannot be made")
	}
	if to.header != nil {
		request.Header = to.header
	}
	if to.body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	return request, nil
}

// escaped returns path segments that stay segments, whatever somebody typed as a name.
func escaped(path []string) []string {
	out := make([]string, len(path))
	for i, segment := range path {
		out[i] = url.PathEscape(segment)
	}
	return out
}

// problem returns the error that an answer reports.
func (c *Client) problem(answer *http.Response) error {
	media, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type")) // what cannot be parsed is no problem of ours
	var p Problem
	if media != "application/problem+json" || json.NewDecoder(io.LimitReader(answer.Body, maxAnswer)).Decode(&p) != nil || p.Kind == "" {
		return fault.New(fault.Internal, "%s answers (with status %d), but not as a Fairlead daemon does", c.socket, answer.StatusCode)
	}
	return p.Fault()
}

// brokenOff returns why an answer that had begun did not come to its end.
func (c *Client) brokenOff(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return interrupted(ctx)
	}
	if _, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fault.Hide(err, fault.Internal, "the daemon's answer is not what this command expects: are both of one version?")
	}
	return fault.Hide(err, fault.Unreachable, "the daemon broke its answer off: see its log (journalctl -u fairlead)")
}

// Error returns the problem's detail. A Problem is the cause behind the error that reports it.
func (p *Problem) Error() string { return p.Detail }

// Fault returns the problem as the error that the daemon reported.
func (p *Problem) Fault() error {
	e := fault.Hide(p, p.Kind, "%s", p.Detail)
	e.Problems = p.Problems
	return e
}
