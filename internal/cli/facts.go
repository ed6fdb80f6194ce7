package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/capakraken/fairlead/internal/rollout"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/workload"
)

// validated says what validate found, one fact a line.
func validated(v rollout.Validated) []string {
	there := 0
	for _, s := range v.Secrets {
		if s.Provisioned {
			there++
		}
	}
	facts := []string{fmt.Sprintf("%d of %s provisioned in %s", there, count(len(v.Secrets), "secret is", "secrets are"), strings.Join(v.Sources, ", "))}
	if len(v.Provided) > 1 {
		for _, p := range v.Provided {
			facts = append(facts, gave(p))
		}
	}
	for _, b := range v.Baseline {
		facts = append(facts, b.Service+": "+baseline(b))
	}
	if v.Database != "" { // it was looked at
		facts = append(facts, residue(v.Residue))
	}
	if v.Survey != nil && len(rollout.Left(v.Residue)) > 0 {
		facts = append(facts, hazards("a clear does not erase every copy: ", v.Survey.Hazards)...)
	}
	return facts
}

// gave says which variables come from a source.
func gave(s rollout.SourceFact) string {
	text := s.Source + ": " + strings.Join(s.Keys, ", ")
	if len(s.Keys) == 0 {
		text = s.Source + ": nothing that counts"
	}
	if len(s.Overridden) > 0 {
		text += " (a later source gives another value to " + strings.Join(s.Overridden, ", ") + ")"
	}
	return text
}

// baseline says what a service was found to be.
func baseline(b rollout.Baseline) string {
	c := b.Container
	if c == nil {
		return "nothing runs"
	}
	text := short(c.ID) + " is " + condition(*c)
	if !c.Ours {
		text += ", made by somebody else and taken over by its name"
	}
	if b.Answered {
		text += "; " + answer(b.Answer)
	}
	return text
}

// condition says how a container is.
func condition(c workload.Container) string {
	text := string(c.Status)
	switch {
	case c.OOMKilled:
		text += " (out of memory)"
	case c.Status == workload.Exited || c.Status == workload.Dead:
		text += fmt.Sprintf(" (exit code %d)", c.ExitCode)
	case c.Health != workload.NoHealth && c.Health != "":
		text += " (" + string(c.Health) + ")"
	}
	return text
}

// shown says what was found of one container.
func shown(c rollout.Shown) string {
	text := fmt.Sprintf("%s: %s (%s), %s", c.Service, c.Name, short(c.ID), c.Status)
	if c.Release != "" {
		text += ", release " + c.Release
	}
	if c.Rollout == "" {
		return text + ", not made by Fairlead"
	}
	return text + ", made by rollout " + c.Rollout
}

// answer says what a service said of itself.
func answer(a workload.Answer) string {
	parts := []string{"not healthy"}
	if a.Healthy {
		parts[0] = "healthy"
	}
	if a.Version != "" {
		parts = append(parts, "version "+a.Version)
	}
	text := strings.Join(parts, ", ")
	if len(a.Secrets) > 0 {
		text += "; secrets: " + bySource(a.Secrets)
	}
	return text
}

// bySource says which secrets a service takes from where: from the environment first.
func bySource(reports []workload.Report) string {
	names := map[secret.Source][]string{}
	for _, r := range reports {
		name := r.Name
		if !r.Present && r.Source != secret.None {
			name += " (but not there)"
		}
		names[r.Source] = append(names[r.Source], name)
	}
	sources := slices.Sorted(maps.Keys(names))
	if i := slices.Index(sources, secret.Environment); i > 0 {
		sources = slices.Insert(slices.Delete(sources, i, i+1), 0, secret.Environment)
	}
	var parts []string
	for _, source := range sources {
		parts = append(parts, fmt.Sprintf("%s (%s)", source, strings.Join(names[source], ", ")))
	}
	return strings.Join(parts, ", ")
}

// residue says what the database holds.
func residue(all []secret.Residue) string {
	var held []string
	for _, r := range all {
		if r.Verdict != secret.Empty {
			held = append(held, r.Secret+" ("+verdict(r.Verdict)+")")
		}
	}
	if len(held) == 0 {
		return "the database holds no legacy value"
	}
	return fmt.Sprintf("the database still holds %s: %s", count(len(held), "legacy value", "legacy values"), strings.Join(held, ", "))
}

// verdict says how a legacy value compares with the environment's.
func verdict(v secret.Verdict) string {
	switch v {
	case secret.Empty:
		return "empty"
	case secret.Same:
		return "same as the environment's"
	case secret.Differs:
		return "differs from the environment's"
	}
	return string(v)
}

// pulled says where the image came from.
func pulled(p rollout.Pulled) string {
	if p.Cached {
		return p.Image.String() + " is on the host already"
	}
	text := fmt.Sprintf("%s, %s fetched", p.Image, size(p.Bytes))
	if p.Mirror != "" {
		text += " from the mirror " + p.Mirror
	}
	return text
}

// replaced says what a service's replacement did.
func replaced(r workload.Replaced) string {
	if r.OldID == "" {
		return fmt.Sprintf("%s: %s started; nothing ran before", r.Service, short(r.NewID))
	}
	return fmt.Sprintf("%s: %s started; %s stopped, and kept until the new one is proved", r.Service, short(r.NewID), short(r.OldID))
}

// verified says what proved the containers, one fact a line.
func verified(v rollout.Verified) []string {
	facts := []string{"proved with " + count(v.Attempts, "look", "looks")}
	for _, p := range v.Proofs {
		facts = append(facts, fmt.Sprintf("%s: %s is %s", p.Service, short(p.Container), answer(p.Answer)))
	}
	return facts
}

// kept says what became of the images.
func kept(k rollout.Kept) []string {
	facts := []string{"the images are in order"}
	if len(k.Named) > 0 {
		facts = append(facts, "kept for a rollback: "+strings.Join(k.Named, ", "))
	}
	if len(k.Removed) > 0 {
		facts = append(facts, "let go: "+strings.Join(k.Removed, ", "))
	}
	return append(facts, k.Left...)
}

// cleared says what became of each legacy value.
func cleared(c rollout.Cleared) []string {
	var facts, empty []string
	for _, r := range c.Residue {
		switch {
		case r.Cleared:
			facts = append(facts, r.Secret+": cleared from column "+r.Column+", and seen empty afterwards")
		case r.Verdict == secret.Empty:
			empty = append(empty, r.Secret)
		case r.Kept != "":
			facts = append(facts, r.Secret+": kept in column "+r.Column+": "+r.Kept)
		default:
			facts = append(facts, r.Secret+": still in column "+r.Column)
		}
	}
	switch {
	case len(facts) == 0:
		return []string{"there was nothing to clear"}
	case len(empty) > 0:
		facts = append(facts, "empty already: "+strings.Join(empty, ", "))
	}
	return append(facts, remains(c)...)
}

// restored says what a revert did for one service.
func restored(r rollout.Restored) string {
	text := r.Service + ": as it was before (" + r.Baseline + ")"
	if r.Remade != "" {
		text += "; its old container was gone and was made again as " + short(r.Remade)
	}
	switch {
	case r.Removed == "":
		return text
	case (workload.Container{Status: r.Status}).Live():
		return text + fmt.Sprintf("; the new container %s was stopped and removed", short(r.Removed))
	}
	return text + fmt.Sprintf("; the new container %s ended with exit code %d and is removed", short(r.Removed), r.ExitCode)
}

// failure says why something failed, one fact a line.
func failure(f *rollout.Failure) []string {
	if f == nil {
		return []string{"the reason is not recorded"}
	}
	facts := []string{f.Message}
	for _, p := range f.Problems {
		facts = append(facts, p.String())
	}
	return facts
}

// short returns the beginning of a container's id.
func short(id string) string { return workload.ShortDigest(id) }

func prefixed(prefix string, lines []string) []string {
	out := slices.Clone(lines)
	for i := range out {
		out[i] = prefix + out[i]
	}
	return out
}
