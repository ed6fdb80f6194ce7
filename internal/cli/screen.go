package cli

import (
	"fmt"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/term"

	"github.com/capakraken/fairlead/internal/api"
	"github.com/capakraken/fairlead/internal/rollout"
)

// screen shows the events of a rollout as they come.
type screen interface {
	event(e api.Event, lines []string)
	end(r api.Rollout)
	close() // may be called twice
}

// screen returns the one that fits the output.
func (t *tool) screen(quiet bool) screen {
	switch {
	case t.json():
		return &jsonScreen{t, quiet}
	case quiet:
		return &quietScreen{t}
	case t.Terminal(t.Out):
		return &terminal{tool: t, width: width(t.Out)}
	}
	return &pipe{tool: t, last: map[string]string{}}
}

// jsonScreen writes one event a line, and the rollout as the last.
type jsonScreen struct {
	*tool
	quiet bool
}

func (s *jsonScreen) event(e api.Event, _ []string) {
	if !s.quiet {
		_ = s.encodeLine(e) // whoever closed the pipe wants no more
	}
}
func (s *jsonScreen) end(r api.Rollout) { _ = s.encodeLine(r) }
func (*jsonScreen) close()              {}

// quietScreen writes only how the rollout ended.
type quietScreen struct{ *tool }

func (*quietScreen) event(api.Event, []string) {}
func (s *quietScreen) end(r api.Rollout)       { s.say("%s", conclusion(r, atLength)) }
func (*quietScreen) close()                    {}

// pipe writes facts, and of the signs of life those that say something new.
type pipe struct {
	*tool
	last map[string]string // the newest sign of life, without its numbers, by what it is of
}

func (s *pipe) event(e api.Event, lines []string) {
	for _, l := range lines {
		s.say("%s", l)
	}
	p := e.Progress
	if p == nil || p.Total > 0 {
		return
	}
	of, text := string(p.Step)+" "+p.Service, strings.Map(withoutDigits, p.Text)
	if p.Step != "" && s.last[of] == text { // words of the connection are few, and all count
		return
	}
	s.last[of] = text
	for _, l := range tell(step(p), "...", sign(p)) {
		s.say("%s", l)
	}
}

func (s *pipe) end(r api.Rollout) { s.tool.conclude(r, fewLines) }
func (*pipe) close()              {}

// terminal writes facts, and below them one line that is overwritten by every sign of life.
type terminal struct {
	*tool
	width  int
	passes bool // there is a line to be overwritten
}

func (s *terminal) event(e api.Event, lines []string) {
	if len(lines) > 0 {
		s.close()
	}
	for _, l := range lines {
		s.say("%s", l)
	}
	switch {
	case e.Progress != nil:
		s.pass(step(e.Progress), sign(e.Progress))
	case e.Event != nil && e.Event.Type == rollout.Begun && e.Event.Action != nil:
		s.pass(string(e.Event.Action.Step), e.Event.Action.Service)
	}
}

// pass overwrites the last line.
func (s *terminal) pass(step, text string) {
	l := flat(text)
	l = fmt.Sprintf("%-9s %-8s %s", step, "...", l)
	if utf8.RuneCountInString(l) >= s.width {
		l = string([]rune(l)[:s.width-1])
	}
	_, _ = fmt.Fprint(s.Out, "\r\x1b[K"+l)
	s.passes = true
}

func (s *terminal) end(r api.Rollout) {
	s.close()
	s.tool.conclude(r, fewLines)
}

func (s *terminal) close() {
	if s.passes {
		_, _ = fmt.Fprint(s.Out, "\r\x1b[K")
		s.passes = false
	}
}

// conclude says how a rollout ended and what follows from it, with at most so many lines of a container's output.
func (t *tool) conclude(r api.Rollout, most int) {
	t.say("%s", conclusion(r, briefly))
	for _, l := range aftermath(r, most) {
		t.say("%s", l)
	}
}

// step returns the step of a sign of life; one of the connection itself has none.
func step(p *rollout.Progress) string {
	if p.Step == "" {
		return "daemon"
	}
	return string(p.Step)
}

// sign returns a sign of life as text.
func sign(p *rollout.Progress) string {
	text := p.Text
	if p.Service != "" {
		text = p.Service + ": " + text
	}
	if p.Total > 0 {
		text += fmt.Sprintf(", %s of %s", size(p.Bytes), size(p.Total))
	}
	return text
}

func withoutDigits(r rune) rune {
	if unicode.IsDigit(r) {
		return -1
	}
	return r
}

// width returns how many characters fit into a line of the terminal.
func width(out any) int {
	if f, ok := out.(*os.File); ok {
		if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 20 {
			return w
		}
	}
	return 80
}
