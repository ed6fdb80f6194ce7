package steps

import (
	"context"
	"sync"
	"testing"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/workload"
)

// The fakes have one function for each method. A call of one that is nil fails the test. What verify calls from several
// goroutines takes turns, so that the functions need not care; only exit, which waits, must lock for itself.

type fakeRuntime struct {
	t       testing.TB
	observe func(services []workload.Service) ([]workload.Container, error)
	compare func(r workload.Replacement) (workload.Comparison, error)
	replace func(r workload.Replacement) (workload.Replaced, error)
	promote func(rollout string, s workload.Service) error
	retire  func(rollout string, old workload.Container) error
	restore func(rollout, service string, old *workload.Container) error
}

func (f *fakeRuntime) Observe(_ context.Context, k workload.Key, services []workload.Service) ([]workload.Container, error) {
	if want := (workload.Key{Instance: "test-1", Environment: "production", App: "shop"}); k != want {
		f.t.Errorf("observed %+v", k)
	}
	return f.observe(services)
}

func (f *fakeRuntime) Compare(_ context.Context, r workload.Replacement) (workload.Comparison, error) {
	if f.compare == nil {
		return workload.Comparison{}, nil
	}
	return f.compare(r)
}

func (f *fakeRuntime) Replace(_ context.Context, r workload.Replacement) (workload.Replaced, error) {
	if f.replace == nil {
		return workload.Replaced{}, uncalled(f.t, "Replace")
	}
	return f.replace(r)
}

func (f *fakeRuntime) Promote(_ context.Context, _ workload.Key, rollout string, s workload.Service) error {
	if f.promote == nil {
		return uncalled(f.t, "Promote")
	}
	return f.promote(rollout, s)
}

func (f *fakeRuntime) Retire(_ context.Context, _ workload.Key, rollout string, old workload.Container) error {
	if f.retire == nil {
		return uncalled(f.t, "Retire")
	}
	return f.retire(rollout, old)
}

func (f *fakeRuntime) Restore(_ context.Context, _ workload.Key, rollout, service string, old *workload.Container) error {
	if f.restore == nil {
		return uncalled(f.t, "Restore")
	}
	return f.restore(rollout, service, old)
}

type fakeContainers struct {
	turn        *sync.Mutex
	inspect     func(id string) (workload.Container, error)
	environment func(id string) (secret.Env, error)
	logs        func(id string, lines int) (string, error)
	exit        func(ctx context.Context, id string) error
	written     []string
}

func (f *fakeContainers) Inspect(_ context.Context, id string) (workload.Container, error) {
	f.turn.Lock()
	defer f.turn.Unlock()
	return f.inspect(id)
}

func (f *fakeContainers) Environment(_ context.Context, id string) (secret.Env, error) {
	f.turn.Lock()
	defer f.turn.Unlock()
	return f.environment(id)
}

func (f *fakeContainers) Written(context.Context, string, int) ([]string, error) {
	return f.written, nil
}

func (f *fakeContainers) Logs(_ context.Context, id string, lines int) (string, error) {
	return f.logs(id, lines)
}

func (f *fakeContainers) WaitExit(ctx context.Context, id string) error { return f.exit(ctx, id) }

type fakeHost struct {
	check     func(services []workload.Service) ([]fault.Problem, error)
	consumers func(repository string, projects []string) ([]workload.Container, error)
	free      func() (uint64, bool)
}

func (f *fakeHost) Check(_ context.Context, _ workload.Key, services []workload.Service) ([]fault.Problem, error) {
	return f.check(services)
}

func (f *fakeHost) Consumers(_ context.Context, _ workload.Key, repository string, projects []string) ([]workload.Container, error) {
	return f.consumers(repository, projects)
}

func (f *fakeHost) Free(context.Context) (uint64, bool) { return f.free() }

type fakeImages struct {
	t       testing.TB
	find    func(i workload.Image) (workload.Image, bool, error)
	keep    func(i workload.Image) (string, error)
	letGo   func(i workload.Image, fetched bool) ([]string, string, error)
	resolve func(i workload.Image) (workload.Image, error)
	old     []string // what Resolve warns of
	pull    func(i workload.Image, progress func(done, total int64)) (workload.Fetched, error)
}

func (f *fakeImages) Find(_ context.Context, _ workload.Key, i workload.Image) (workload.Image, bool, error) {
	if f.find == nil {
		return i, false, uncalled(f.t, "Find")
	}
	return f.find(i)
}

func (f *fakeImages) Keep(_ context.Context, _ workload.Key, i workload.Image) (string, error) {
	if f.keep == nil {
		return "", uncalled(f.t, "Keep")
	}
	return f.keep(i)
}

func (f *fakeImages) LetGo(_ context.Context, _ workload.Key, i workload.Image, fetched bool) ([]string, string, error) {
	if f.letGo == nil {
		return nil, "", uncalled(f.t, "LetGo")
	}
	return f.letGo(i, fetched)
}

// Kept finds nothing: what is shown of it is no step's concern.
func (f *fakeImages) Kept(context.Context, workload.Key) ([]string, int64, error) { return nil, 0, nil }

func (f *fakeImages) Resolve(_ context.Context, i workload.Image) (workload.Image, []string, error) {
	if f.resolve == nil {
		return workload.Image{}, nil, uncalled(f.t, "Resolve")
	}
	resolved, err := f.resolve(i)
	return resolved, f.old, err
}

func (f *fakeImages) Pull(_ context.Context, i workload.Image, progress func(done, total int64)) (workload.Fetched, error) {
	if f.pull == nil {
		return workload.Fetched{}, uncalled(f.t, "Pull")
	}
	return f.pull(i, progress)
}

type fakeProber struct {
	turn *sync.Mutex
	look func(ctx context.Context, l workload.Look) (workload.Answer, error)
}

func (f *fakeProber) Look(ctx context.Context, l workload.Look) (workload.Answer, error) {
	f.turn.Lock()
	defer f.turn.Unlock()
	return f.look(ctx, l)
}

type fakeDatabase struct {
	t       testing.TB
	inspect func(ctx context.Context, l Legacy, expected map[string]secret.Value) ([]secret.Residue, error)
	clear   func(ctx context.Context, l Legacy, expected map[string]secret.Value, proceed func() error) ([]secret.Residue, error)
	stored  func(ctx context.Context, l Legacy) (secret.Env, error)
	survey  func(ctx context.Context, l Legacy) (secret.Survey, error)
	analyze func(ctx context.Context, l Legacy) error
}

// Survey finds nothing unless a test says otherwise.
func (f *fakeDatabase) Survey(ctx context.Context, l Legacy) (secret.Survey, error) {
	if f.survey == nil {
		return secret.Survey{}, nil
	}
	return f.survey(ctx, l)
}

// Analyze succeeds unless a test says otherwise.
func (f *fakeDatabase) Analyze(ctx context.Context, l Legacy) error {
	if f.analyze == nil {
		return nil
	}
	return f.analyze(ctx, l)
}

// Stored finds nothing unless a test says otherwise: every revert asks.
func (f *fakeDatabase) Stored(ctx context.Context, l Legacy) (secret.Env, error) {
	if f.stored == nil {
		return nil, nil
	}
	return f.stored(ctx, l)
}

func (f *fakeDatabase) Inspect(ctx context.Context, l Legacy, expected map[string]secret.Value) ([]secret.Residue, error) {
	if f.inspect == nil {
		return nil, uncalled(f.t, "Inspect of the database")
	}
	return f.inspect(ctx, l, expected)
}

func (f *fakeDatabase) Clear(ctx context.Context, l Legacy, expected map[string]secret.Value, proceed func() error) ([]secret.Residue, error) {
	if f.clear == nil {
		return nil, uncalled(f.t, "Clear")
	}
	return f.clear(ctx, l, expected, proceed)
}

func uncalled(t testing.TB, what string) error {
	t.Helper()
	t.Errorf("%s was called", what)
	return fault.New(fault.Internal, "%s must not be called", what)
}

// Prepare has made the one-off container.
func (f *fakeRuntime) Prepare(context.Context, workload.Replacement) (string, error) {
	return "pre", nil
}

// Launch has started it.
func (f *fakeRuntime) Launch(context.Context, workload.Key, string) error { return nil }

// Discard has removed it.
func (f *fakeRuntime) Discard(context.Context, workload.Key, string) error { return nil }
