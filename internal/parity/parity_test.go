package parity

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// whole returns a report in which every fact is set.
func whole() Report {
	fields := map[string]json.RawMessage{"ports": json.RawMessage(`["3000"]`), "user": json.RawMessage(`"app"`)}
	return Report{
		Format: Format, Time: time.Date(2026, 3, 30, 12, 0, 0, 0, time.UTC), App: "shop", Instance: "prod-1", Environment: "production", Fairlead: "1.0.0",
		Engine: Engine{Version: "28.1", API: "1.49", Platform: "linux/amd64"},
		Rules:  Rules{Version: "1-a", Deny: []string{"E05"}, Warn: []string{}, Ignore: []string{}},
		Catalog: []Secret{{Name: "ai", Env: "AI_KEY", Required: true, MinLength: 20, Pattern: "^sk-", Format: "url", OneOf: 2, Column: "aiKey",
			OnMismatch: "refuse", Provisioned: Passes, Residue: "empty"}},
		Sources: []Source{{Kind: "file"}, {Kind: "exec", Override: true}},
		Keys:    []Key{{Name: "AI_KEY", From: []string{"exec", "file"}}},
		Legacy:  &Legacy{DSN: "the variable DATABASE_URL", Schema: "public", Table: "Settings", Row: "id=1", Function: "f"},
		Clear:   "manual", Image: Image{Repository: "registry.example.com/shop", Digest: "sha256:d1"},
		Proof:    Proof{Verified: true, Services: []Witness{{Service: "web", Sources: map[string]string{"ai": "environment"}}}},
		Services: []Service{{Name: "web", Hash: HashOf(fields), Fields: fields, Verify: map[string]json.RawMessage{"query": json.RawMessage(`".ok"`)}}},
	}
}

// Each fact of a report is one line of the comparison, and no other line.
func TestEachFactIsOneLine(t *testing.T) {
	t.Parallel()
	for point, change := range map[string]func(*Report){
		"app":                    func(r *Report) { r.App = "other" },
		"instance":               func(r *Report) { r.Instance = "staging-1" },
		"environment":            func(r *Report) { r.Environment = "staging" },
		"time":                   func(r *Report) { r.Time = r.Time.Add(time.Hour) },
		"fairlead":               func(r *Report) { r.Fairlead = "1.0.1" },
		"engine/version":         func(r *Report) { r.Engine.Version = "20.10" },
		"engine/api":             func(r *Report) { r.Engine.API = "1.41" },
		"engine/platform":        func(r *Report) { r.Engine.Platform = "linux/arm64" },
		"rules/version":          func(r *Report) { r.Rules.Version = "1-b" },
		"rules/deny":             func(r *Report) { r.Rules.Deny = nil },
		"rules/warn":             func(r *Report) { r.Rules.Warn = nil },
		"rules/ignore":           func(r *Report) { r.Rules.Ignore = []string{"keys/X"} },
		"catalog/ai/env":         func(r *Report) { r.Catalog[0].Env = "OTHER" },
		"catalog/ai/required":    func(r *Report) { r.Catalog[0].Required = false },
		"catalog/ai/min_length":  func(r *Report) { r.Catalog[0].MinLength = 8 },
		"catalog/ai/pattern":     func(r *Report) { r.Catalog[0].Pattern = "" },
		"catalog/ai/format":      func(r *Report) { r.Catalog[0].Format = "" },
		"catalog/ai/one_of":      func(r *Report) { r.Catalog[0].OneOf = 3 },
		"catalog/ai/column":      func(r *Report) { r.Catalog[0].Column = "other" },
		"catalog/ai/on_mismatch": func(r *Report) { r.Catalog[0].OnMismatch = "keep" },
		"catalog/smtp": func(r *Report) {
			r.Catalog = append(r.Catalog, Secret{Name: "smtp", Provisioned: Missing, Residue: "same"})
		},
		"provisioned/ai":      func(r *Report) { r.Catalog[0].Provisioned = Missing },
		"residue/ai":          func(r *Report) { r.Catalog[0].Residue = "same" },
		"sources":             func(r *Report) { r.Sources[1].Override = false },
		"keys/AI_KEY":         func(r *Report) { r.Keys[0].From = []string{"exec"} },
		"keys/DEBUG":          func(r *Report) { r.Keys = append(r.Keys, Key{"DEBUG", []string{"file"}}) },
		"legacy":              func(r *Report) { r.Legacy = nil },
		"legacy/dsn":          func(r *Report) { r.Legacy.DSN = "a file" },
		"legacy/schema":       func(r *Report) { r.Legacy.Schema = "" },
		"legacy/table":        func(r *Report) { r.Legacy.Table = "Other" },
		"legacy/row":          func(r *Report) { r.Legacy.Row = "id=2" },
		"legacy/function":     func(r *Report) { r.Legacy.Function = "" },
		"clear":               func(r *Report) { r.Clear = "with_deploy" },
		"image/repository":    func(r *Report) { r.Image.Repository = "elsewhere.example.com/shop" },
		"image/digest":        func(r *Report) { r.Image.Digest = "sha256:d2" },
		"proof":               func(r *Report) { r.Proof.Verified = false },
		"proof/web":           func(r *Report) { r.Proof.Services[0].Sources["ai"] = "database" },
		"services/web/ports":  func(r *Report) { r.Services[0].Fields["ports"] = json.RawMessage(`["3001"]`) },
		"services/web/labels": func(r *Report) { r.Services[0].Fields["labels"] = json.RawMessage(`{"a":"b"}`) },
		"services/worker": func(r *Report) {
			r.Services = append(r.Services, Service{Name: "worker", Fields: r.Services[0].Fields, Verify: r.Services[0].Verify})
		},
		"verify/web/query": func(r *Report) { r.Services[0].Verify["query"] = json.RawMessage(`".fine"`) },
	} {
		t.Run(point, func(t *testing.T) {
			a, b := whole(), whole()
			change(&b)
			for _, pair := range [][2]Report{{a, b}, {b, a}} {
				c, err := Compare(pair[0], pair[1], Options{NameA: "a", NameB: "b"})
				if err != nil {
					t.Fatal(err)
				}
				var differ []string
				for _, l := range c.Lines {
					if l.Verdict != Same {
						differ = append(differ, l.Point)
					}
				}
				if !slices.Equal(differ, []string{point}) {
					t.Errorf("the difference shows in %v", differ)
				}
				if breaks := !slices.Contains(always(), point); breaks == c.Parity {
					t.Errorf("parity: %t", c.Parity)
				}
			}
		})
	}
	c, err := Compare(whole(), whole(), Options{})
	if err != nil || !c.Parity || c.Same != len(whole().Points()) {
		t.Errorf("a report is not the same as itself: %+v, %v", c, err)
	}
}

// Every name that a report can have for a fact is one that a configuration may ignore.
func TestEveryPointIsKnown(t *testing.T) {
	t.Parallel()
	for _, p := range whole().Points() {
		if !Known(p.Name) {
			t.Errorf("%s cannot be ignored", p.Name)
		}
	}
	for _, p := range slices.Concat(DefaultIgnore(), Ahead(), always()) {
		if !Known(p) {
			t.Errorf("%s stands in a list of ours, and is no point", p)
		}
	}
	for _, p := range []string{"", "image/tag", "imagedigest", "services/web/lables", "services/web/ports/0", "keys/", "/", "*", "time/now", "residue/a/b", "engine/*/x"} {
		if Known(p) {
			t.Errorf("%q is taken for a point", p)
		}
	}
}

// A difference is expected only where both apps say so, and what is demanded is not to be ignored by anybody.
func TestWhoMayRelax(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		a, b       []string
		o          Options
		breaks, on bool // one-sided
	}{
		"nobody":           {[]string{}, []string{}, Options{}, true, false},
		"one":              {[]string{"keys/DEBUG"}, []string{}, Options{}, true, true},
		"the other":        {[]string{}, []string{"keys"}, Options{}, true, true},
		"both":             {[]string{"keys/DEBUG"}, []string{"keys/*"}, Options{}, false, false},
		"not of another":   {[]string{"keys/DEBUG2"}, []string{"keys/DEBUG2"}, Options{}, true, false},
		"default":          {nil, nil, Options{}, true, false},
		"this time":        {[]string{}, []string{}, Options{Expect: []string{"keys"}}, false, false},
		"demanded, though": {[]string{"keys"}, []string{"keys"}, Options{Expect: []string{"keys"}, Demand: []string{"keys"}}, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := whole(), whole()
			a.Rules.Ignore, b.Rules.Ignore = tt.a, tt.b
			a.Keys = append(a.Keys, Key{"DEBUG", []string{"file"}})
			c, err := Compare(a, b, tt.o)
			if err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(c.Lines, func(l Line) bool { return l.Point == "keys/DEBUG" })
			if l := c.Lines[i]; l.Breaks != tt.breaks || l.OneSided != tt.on || l.Verdict != OnlyA {
				t.Errorf("got %+v", l)
			}
		})
	}
}

// What nobody could look at is the same as nothing.
func TestUnknownIsNeverTheSame(t *testing.T) {
	t.Parallel()
	for point, unknown := range map[string]func(r *Report){
		"provisioned/ai": func(r *Report) { r.Catalog[0].Provisioned = Unknown },
		"keys":           func(r *Report) { r.Sources[0].Unread = true },
		"services":       func(r *Report) { r.Services = nil },
	} {
		a := whole()
		a.Sources, a.Catalog = slices.Clone(a.Sources), slices.Clone(a.Catalog)
		unknown(&a)
		c, err := Compare(a, a, Options{})
		if err != nil || c.Parity || !slices.Equal(c.Breaks(), []string{point}) {
			t.Errorf("%s: broken by %v (%v)", point, c.Breaks(), err)
		}
	}
}

// A report of another format is refused, and not compared as if it were one of this.
func TestFormat(t *testing.T) {
	t.Parallel()
	a := whole()
	a.Format++
	if _, err := Compare(whole(), a, Options{}); err == nil || !strings.Contains(err.Error(), "a report of format 2") {
		t.Errorf("compared: %v", err)
	}
}

// A report survives being saved, and is compared alike.
func TestSaved(t *testing.T) {
	t.Parallel()
	text, err := json.MarshalIndent(whole(), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	var back Report
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(whole().Points(), back.Points()) || HashOf(back.Services[0].Fields) != back.Services[0].Hash {
		t.Errorf("another report came back: %s", fmt.Sprint(back.Points()))
	}
}
