package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// The least that should be free. Below the first, a deploy is refused, or the journal may soon not be written.
const (
	leastImages  = 256 << 20
	comfyImages  = 2 << 30
	leastJournal = 64 << 20
	comfyJournal = 512 << 20
	leastFiles   = 1000
)

// imageSpace says whether there is room for images.
func (e *examination) imageSpace(ctx context.Context) []Finding {
	free, seen := e.Engine.Free(ctx)
	switch {
	case !seen:
		return []Finding{warning("what is free for images cannot be seen from here", "on the Engine's host, or as root: docker system df")}
	case free < leastImages:
		return []Finding{problem(fmt.Sprintf("only %d MiB are free for images, and a deploy needs %d", free>>20, leastImages>>20), "docker image prune, or look what takes it: docker system df")}
	case free < comfyImages:
		return []Finding{warning(fmt.Sprintf("only %d MiB are free for images", free>>20), "docker image prune, or look what takes it: docker system df")}
	}
	return []Finding{ok(fmt.Sprintf("%d GiB are free for images", free>>30))}
}

// state says whether the state directory is well kept and the journal can go on.
func (e *examination) state(context.Context) []Finding {
	info, err := os.Stat(e.State)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return []Finding{warning("does not exist yet; the daemon makes it at its first start", startRemedy)}
	case err != nil:
		return []Finding{barred("the state directory")}
	case !info.IsDir():
		return []Finding{problem("is no directory, so the daemon cannot start", "mv "+e.State+" "+e.State+".away")}
	case info.Mode().Perm()&0o022 != 0:
		return []Finding{problem(fmt.Sprintf("others than the daemon's user may replace the journal (mode %04o), so the daemon does not start", uint32(info.Mode().Perm())), "chmod 0700 "+e.State)}
	case info.Mode().Perm()&0o055 != 0:
		return []Finding{warning(fmt.Sprintf("others may look into it (mode %04o)", uint32(info.Mode().Perm())), "chmod 0700 "+e.State)}
	}
	space, err := e.Space(e.State)
	switch {
	case err != nil:
		return []Finding{barred("the state directory's file system")}
	case space.ReadOnly:
		return []Finding{problem("is on a file system that is mounted read-only, so nothing can be recorded and nothing is done", "look why: dmesg | tail, then: mount -o remount,rw")}
	case space.Bytes < leastJournal:
		return []Finding{problem(fmt.Sprintf("only %d MiB are free for the journal; when it cannot be written, nothing is done any more", space.Bytes>>20), "make room: du -xh / | sort -h | tail")}
	case space.Files < leastFiles && space.Files > 0:
		return []Finding{problem(fmt.Sprintf("its file system takes only %d more files", space.Files), "make room: df -i "+e.State)}
	case space.Bytes < comfyJournal:
		return []Finding{warning(fmt.Sprintf("only %d MiB are free for the journal", space.Bytes>>20), "make room: du -xh / | sort -h | tail")}
	}
	return []Finding{ok(fmt.Sprintf("is well kept, with %d MiB free", space.Bytes>>20))}
}
