package parity

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Point is one fact of a report.
type Point struct {
	Name  string
	Value string // for people; two values are the same if they are the same text, unless it is Unknown
}

// points collects facts.
type points []Point

func (p *points) add(name, value string) { *p = append(*p, Point{name, value}) }

// given adds a fact that may not be there.
func (p *points) given(name, value string) {
	if value != "" {
		p.add(name, value)
	}
}

// Points returns every fact of the report, in an order that is always the same.
func (r Report) Points() []Point {
	var p points
	p.add("app", r.App)
	p.add("instance", r.Instance)
	p.add("environment", r.Environment)
	p.add("time", r.Time.UTC().Format(time.RFC3339))
	p.add("fairlead", r.Fairlead)
	p.add("engine/version", or(r.Engine.Version))
	p.add("engine/api", or(r.Engine.API))
	p.add("engine/platform", or(r.Engine.Platform))
	p.add("rules/version", r.Rules.Version)
	p.add("rules/deny", listed(r.Rules.Deny))
	p.add("rules/warn", listed(r.Rules.Warn))
	p.add("rules/ignore", listed(r.Rules.Ignore))
	r.secrets(&p)
	r.environment(&p)
	r.database(&p)
	p.add("image/repository", r.Image.Repository)
	p.add("image/digest", orDash(r.Image.Digest))
	r.proof(&p)
	r.services(&p)
	return p
}

func (r Report) secrets(p *points) {
	for _, s := range r.Catalog {
		at := "catalog/" + s.Name
		p.add(at, "declared")
		p.add(at+"/env", s.Env)
		p.add(at+"/required", strconv.FormatBool(s.Required))
		p.add(at+"/min_length", strconv.Itoa(s.MinLength))
		p.add(at+"/pattern", orDash(s.Pattern))
		p.add(at+"/format", orDash(s.Format))
		p.add(at+"/one_of", strconv.Itoa(s.OneOf)+" values")
		p.add(at+"/column", orDash(s.Column))
		p.add(at+"/on_mismatch", orDash(s.OnMismatch))
	}
	for _, s := range r.Catalog {
		p.add("provisioned/"+s.Name, or(s.Provisioned))
	}
}

func (r Report) environment(p *points) {
	var sources []string
	for _, s := range r.Sources {
		text := s.Kind
		if s.Override {
			text += " (overrides)"
		}
		sources = append(sources, text)
	}
	p.add("sources", listed(sources))
	if slices.ContainsFunc(r.Sources, func(s Source) bool { return s.Unread }) {
		p.add("keys", Unknown) // of that source
	}
	for _, k := range r.Keys {
		p.add("keys/"+k.Name, strings.Join(k.From, " over "))
	}
}

func (r Report) database(p *points) {
	p.add("clear", orDash(r.Clear))
	if l := r.Legacy; l != nil {
		p.add("legacy", "declared")
		p.add("legacy/dsn", l.DSN)
		p.add("legacy/schema", orDash(l.Schema))
		p.add("legacy/table", l.Table)
		p.add("legacy/row", l.Row)
		p.add("legacy/function", orDash(l.Function))
	}
	for _, s := range r.Catalog {
		p.given("residue/"+s.Name, s.Residue)
	}
}

func (r Report) proof(p *points) {
	verified := "verified"
	if !r.Proof.Verified {
		verified = "not verified: " + or(r.Proof.Why)
	}
	p.add("proof", verified)
	for _, w := range r.Proof.Services {
		var parts []string
		for _, name := range slices.Sorted(maps.Keys(w.Sources)) {
			parts = append(parts, name+" from "+w.Sources[name])
		}
		text := "healthy"
		if len(parts) > 0 {
			text += "; " + strings.Join(parts, ", ")
		}
		p.add("proof/"+w.Service, text)
	}
}

func (r Report) services(p *points) {
	if len(r.Services) == 0 { // an app has one at least: the definitions could not be resolved
		p.add("services", Unknown)
	}
	for _, s := range r.Services {
		p.add("services/"+s.Name, "defined")
		for _, name := range slices.Sorted(maps.Keys(s.Fields)) {
			p.add("services/"+s.Name+"/"+name, compact(s.Fields[name]))
		}
		for _, name := range slices.Sorted(maps.Keys(s.Verify)) {
			p.add("verify/"+s.Name+"/"+name, compact(s.Verify[name]))
		}
	}
}

// compact returns JSON as one line of text.
func compact(raw json.RawMessage) string {
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return fmt.Sprintf("%q", string(raw))
	}
	return b.String()
}

func listed(all []string) string {
	if all == nil {
		return "default"
	}
	return "[" + strings.Join(all, ", ") + "]"
}

// or returns text, and Unknown for none.
func or(text string) string {
	if text == "" {
		return Unknown
	}
	return text
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
