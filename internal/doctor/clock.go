package doctor

import "context"

// clock says whether this host's clock is kept. The Engine on this host has the same one.
func (e *examination) clock(context.Context) []Finding {
	synchronized, err := e.Synchronized()
	switch {
	case err != nil:
		return []Finding{warning("the kernel does not say whether its clock is synchronized", "timedatectl")}
	case !synchronized:
		return []Finding{warning("the clock is not synchronized, so deadlines and the journal's times may be off", "timedatectl set-ntp true")}
	}
	return []Finding{ok("the clock is synchronized")}
}
