package lint_test

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// dockers returns what Docker's command line reads in the file, where there is one: what it would have the Engine make
// a container with. The Engine here only listens.
func dockers(t *testing.T, file string) (map[string]string, bool) {
	t.Helper()
	path, err := exec.LookPath("docker")
	if err != nil {
		return nil, false
	}
	socket := filepath.Join(t.TempDir(), "s")
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	asked := make(chan []string, 1)
	engine := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Api-Version", "1.41")
		w.Header().Set("Content-Type", "application/json")
		if !strings.HasSuffix(r.URL.Path, "/containers/create") {
			_, _ = io.WriteString(w, "{}")
			return
		}
		var container struct{ Env []string }
		if err := json.NewDecoder(r.Body).Decode(&container); err != nil {
			t.Error(err)
		}
		asked <- container.Env
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"Id":"1","Warnings":[]}`)
	}))
	engine.Listener = l
	engine.Start()
	defer engine.Close()
	c := exec.CommandContext(t.Context(), path, "create", "--env-file", file, "none")
	c.Env = []string{"DOCKER_HOST=unix://" + socket, "HOME=" + t.TempDir(), "PATH=/usr/bin:/bin"}
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("docker: %v: %s", err, out)
		return nil, false
	}
	read := map[string]string{}
	for _, entry := range <-asked {
		name, value, _ := strings.Cut(entry, "=")
		read[name] = value
	}
	return read, true
}
