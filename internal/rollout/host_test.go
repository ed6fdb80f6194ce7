package rollout

import "maps"

// life is what the host shows of one service.
type life struct {
	old, new string // what became of the old and of the new container
}

// What may have become of a container.
const (
	never   = ""
	made    = "made"
	live    = "live"
	kept    = "stopped and kept"
	final   = "live under its final name"
	removed = "removed"
)

// host is what the actions change: a small world that knows nothing of the machine.
type host struct {
	services map[string]life
	residue  bool
	oneOff   string // the container that runs before the first old one stops
}

func newHost(sc scene) *host {
	h := &host{services: map[string]life{}, residue: sc.legacy}
	for _, name := range sc.services {
		l := life{old: live}
		if sc.absent {
			l.old = never
		}
		h.services[name] = l
	}
	return h
}

func (h *host) clone() *host {
	return &host{services: maps.Clone(h.services), residue: h.residue, oneOff: h.oneOff}
}

// effect changes the host as the action does. Every action looks first, so it may come again. With half it stops in the
// middle. It returns what nobody may do.
func (h *host) effect(a Action, half bool) string {
	l := h.services[a.Service]
	switch a.Verb {
	case DoPrepare:
		if h.oneOff != never && h.oneOff != made {
			return "a one-off container is made that may have run"
		}
		h.oneOff = made
	case DoPreStart:
		switch {
		case h.oneOff == made && half:
			h.oneOff = live
		case h.oneOff == never || h.oneOff == removed:
			return "a one-off container is started that is not there"
		case !half:
			h.oneOff = kept
		}
	case DoDiscard:
		if h.oneOff == made {
			h.oneOff = never // without a trace
		} else if h.oneOff != never {
			h.oneOff = removed
		}
	case DoReplace:
		if h.oneOff == made || h.oneOff == live {
			return "a container is replaced before the one-off container has ended"
		}
		if h.oneOff == kept {
			h.oneOff = removed
		}
		if l.new == never {
			l.new = made
		}
		if l.old == live {
			l.old = kept
		}
		if l.new == made && !half {
			l.new = live
		}
	case DoPromote:
		if l.new != live && l.new != final {
			return "a container was promoted that does not run"
		}
		l.new = final
	case DoRetire:
		for name, other := range h.services {
			if other.new != final {
				return "an old container goes while " + name + " is not promoted"
			}
		}
		l.old = removed
	case DoKeep, DoClear:
		for name, other := range h.services {
			if other.new == made || other.new == live || other.new == never && other.old == kept {
				return string(a.Verb) + " comes while " + name + " is in between"
			}
		}
		h.residue = h.residue && a.Verb != DoClear
	case DoRestore:
		if l.old == removed || !h.residue && l.old != never {
			return "too much is gone to restore " + a.Service
		}
		if l.new != never {
			l.new = removed
		}
		if l.old == kept && !half {
			l.old = live
		}
	case DoHook, DoValidate, DoPull, DoVerify, DoHold, DoEnd, DoExpire, Nothing:
	}
	if l.old == live && (l.new == live || l.new == final) {
		return "two containers of " + a.Service + " are live"
	}
	if a.Service != "" {
		h.services[a.Service] = l
	}
	return ""
}
