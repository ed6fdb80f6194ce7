package world

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// Sweep ends and removes what killed runs left, and returns their names. A run that is alive is not touched.
func Sweep(ctx context.Context, engine *Engine) ([]string, error) {
	dirs, err := filepath.Glob(runDirs())
	if err != nil {
		return nil, fmt.Errorf("look for old runs: %w", err)
	}
	var swept []string
	var errs []error
	for _, dir := range dirs {
		_, run, _ := strings.Cut(filepath.Base(dir), "fairlead-e2e-")
		switch err := sweepRun(ctx, engine, run, dir); {
		case err == nil:
			swept = append(swept, run)
		case errors.Is(err, errHeld), errors.Is(err, fs.ErrPermission), errors.Is(err, fs.ErrNotExist):
			// Alive, another user's, or swept by somebody else just now.
		default:
			errs = append(errs, fmt.Errorf("sweep the run %s: %w", run, err))
		}
	}
	return swept, errors.Join(errs...)
}

func sweepRun(ctx context.Context, engine *Engine, run, dir string) error {
	lock, err := lockDir(dir)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := errors.Join(removeObjects(ctx, engine, run), endRecorded(ctx, dir), distrustRecorded(dir)); err != nil {
		return err
	}
	return os.RemoveAll(dir)
}

// SweepAll removes every object on the Engine that has the label of any run, dead or alive. It is for a host whose
// directory of runs was lost, for example by a reboot.
func SweepAll(ctx context.Context, engine *Engine) error { return removeObjects(ctx, engine, "") }

// removeObjects removes the containers, networks, volumes and images of a run, or of all runs when run is empty.
func removeObjects(ctx context.Context, engine *Engine, run string) error {
	label := Label
	if run != "" {
		label += "=" + run
	}
	filters := fmt.Sprintf(`{"label":[%q]}`, label)
	errs := []error{
		remove(ctx, engine, "containers", url.Values{"all": {"1"}, "filters": {filters}}, url.Values{"force": {"1"}, "v": {"1"}}),
		remove(ctx, engine, "networks", url.Values{"filters": {filters}}, nil),
		removeVolumes(ctx, engine, filters),
		remove(ctx, engine, "images", url.Values{"filters": {filters}}, url.Values{"force": {"1"}}),
	}
	return errors.Join(errs...)
}

// remove deletes the objects of a kind that a query finds.
func remove(ctx context.Context, engine *Engine, kind string, query, how url.Values) error {
	path := "/" + kind
	if kind == "containers" || kind == "images" {
		path += "/json"
	}
	var found []struct{ ID string }
	if err := engine.Call(ctx, "GET", path, query, nil, &found); err != nil {
		return err
	}
	var errs []error
	for _, object := range found {
		if kind == "networks" {
			errs = append(errs, engine.removeNetwork(ctx, object.ID))
			continue
		}
		errs = append(errs, gone(engine.Call(ctx, "DELETE", "/"+kind+"/"+object.ID, how, nil, nil)))
	}
	return errors.Join(errs...)
}

func removeVolumes(ctx context.Context, engine *Engine, filters string) error {
	var found struct{ Volumes []struct{ Name string } }
	if err := engine.Call(ctx, "GET", "/volumes", url.Values{"filters": {filters}}, nil, &found); err != nil {
		return err
	}
	var errs []error
	for _, volume := range found.Volumes {
		errs = append(errs, gone(engine.Call(ctx, "DELETE", "/volumes/"+volume.Name, nil, nil, nil)))
	}
	return errors.Join(errs...)
}

// gone is err, or nil when err says that the object is not there any more.
func gone(err error) error {
	if refusal, ok := errors.AsType[*Refusal](err); ok && refusal.Status == 404 {
		return nil
	}
	return err
}
