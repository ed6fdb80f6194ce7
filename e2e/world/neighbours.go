package world

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// postgresUser runs PostgreSQL in a container and owns what its volume is made from.
const postgresUser = 999

// NeighboursImage makes an image for what stands beside an application in a Compose project: PostgreSQL, from the host's own
// package, and the reference application's cache and proxy. It is on the Engine alone, under a name of this run.
func (w *World) NeighboursImage(ctx context.Context) (string, error) {
	if _, err := w.baseLayer(ctx); err != nil { // it also leaves the reference application in the run's directory
		return "", err
	}
	binaries, err := postgresBinaries()
	if err != nil {
		return "", err
	}
	sources, err := postgresFiles(ctx, binaries)
	if err != nil {
		return "", err
	}
	name := "fairlead-e2e-" + w.Run + "/neighbours"
	changes := []string{
		`ENTRYPOINT ["/refapp"]`, fmt.Sprintf("USER %d", postgresUser), "ENV PGDATA=/var/lib/postgresql/data", "ENV PATH=/bin",
		"LABEL " + Label + "=" + w.Run,
	}
	archive, into := io.Pipe()
	go func() { into.CloseWithError(w.writeNeighbours(into, sources)) }()
	defer archive.Close() // ends the writer where the Engine does not read to the end
	query := url.Values{"fromSrc": {"-"}, "repo": {name}, "tag": {"1"}, "changes": changes}
	answer, err := w.Engine.Send(ctx, http.MethodPost, "/images/create", query, "application/x-tar", archive)
	if err != nil {
		return "", err
	}
	said, err := io.ReadAll(answer)
	if err := errors.Join(err, answer.Close()); err != nil {
		return "", fmt.Errorf("read the engine's answer to an import: %w", err)
	}
	if strings.Contains(string(said), `"error"`) {
		return "", fmt.Errorf("import the neighbours' image: %s", said)
	}
	return name + ":1", nil
}

// postgresFiles returns the files and directories of the host that a server needs. initdb starts the server by a shell.
func postgresFiles(ctx context.Context, binaries string) ([]string, error) {
	shell, err := filepath.EvalSymlinks("/bin/sh")
	if err != nil {
		return nil, fmt.Errorf("look for a shell: %w", err)
	}
	programs := []string{filepath.Join(binaries, "postgres"), filepath.Join(binaries, "initdb"), shell}
	libraries := filepath.Join(filepath.Dir(binaries), "lib")
	modules := []string{filepath.Join(libraries, "plpgsql.so"), filepath.Join(libraries, "dict_snowball.so")}
	listed, err := exec.CommandContext(ctx, "ldd", slices.Concat(programs, modules)...).Output()
	if err != nil {
		return nil, fmt.Errorf("ask for PostgreSQL's libraries: %w", err)
	}
	files := slices.Concat(programs, modules, regexp.MustCompile(`/\S+\.so\S*`).FindAllString(string(listed), -1))
	share := strings.Replace(filepath.Dir(binaries), "/lib/", "/share/", 1)
	for _, dir := range []string{share, "/usr/share/zoneinfo/Etc", "/usr/share/zoneinfo/UTC"} {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() && d.Name() == "man" {
				return fs.SkipDir
			}
			if err == nil && !d.IsDir() {
				files = append(files, path)
			}
			return err
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("look for PostgreSQL's files: %w", err)
		}
	}
	slices.Sort(files)
	return slices.DeleteFunc(slices.Compact(files), func(path string) bool { return strings.HasSuffix(path, ":") }), nil
}

// writeNeighbours writes the image's file system as a tar archive.
func (w *World) writeNeighbours(to io.Writer, sources []string) error {
	archive := tar.NewWriter(to)
	owner := func(h *tar.Header) { h.Uid, h.Gid = postgresUser, postgresUser }
	for _, h := range []*tar.Header{
		{Name: "tmp/", Mode: 0o1777, Typeflag: tar.TypeDir},
		{Name: "etc/", Mode: 0o755, Typeflag: tar.TypeDir},
		{Name: "var/lib/postgresql/data/", Mode: 0o700, Typeflag: tar.TypeDir},
	} {
		if strings.HasPrefix(h.Name, "var/") {
			owner(h)
		}
		if err := archive.WriteHeader(h); err != nil {
			return fmt.Errorf("pack %s: %w", h.Name, err)
		}
	}
	users := fmt.Appendf(nil, "root:x:0:0:root:/:/none\npostgres:x:%d:%[1]d:postgres:/:/none\n", postgresUser)
	if err := archive.WriteHeader(&tar.Header{Name: "etc/passwd", Mode: 0o644, Size: int64(len(users))}); err != nil {
		return fmt.Errorf("pack the users: %w", err)
	}
	if _, err := archive.Write(users); err != nil {
		return fmt.Errorf("pack the users: %w", err)
	}
	named := map[string]string{filepath.Join(w.Dir, "refapp"): "refapp"}
	for _, path := range sources {
		named[path] = strings.TrimPrefix(path, "/")
	}
	shell, err := filepath.EvalSymlinks("/bin/sh")
	if err != nil {
		return fmt.Errorf("look for a shell: %w", err)
	}
	named[shell] = "bin/sh"
	for path, name := range named {
		if err := packFile(archive, path, name); err != nil {
			return err
		}
	}
	return archive.Close()
}

// packFile packs what path leads to, past all symbolic links.
func packFile(archive *tar.Writer, path, name string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("pack %s: %w", path, err)
	}
	mode := int64(0o644)
	if is, err := os.Stat(path); err == nil && is.Mode()&0o111 != 0 {
		mode = 0o755
	}
	if err := archive.WriteHeader(&tar.Header{Name: name, Mode: mode, Size: int64(len(content))}); err != nil {
		return fmt.Errorf("pack %s: %w", path, err)
	}
	if _, err := archive.Write(content); err != nil {
		return fmt.Errorf("pack %s: %w", path, err)
	}
	return nil
}
