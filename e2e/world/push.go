package world

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// putBlob puts a blob into a repository, unless it is there.
func (r *Registry) putBlob(ctx context.Context, repository string, b blob) error {
	base := r.direct + "/v2/" + repository + "/blobs/"
	if _, err := exchange(ctx, r.client, "HEAD", base+b.Digest, "", nil); err == nil {
		return nil
	}
	begun, err := exchange(ctx, r.client, "POST", base+"uploads/", "", nil)
	if err != nil {
		return err
	}
	target, err := url.Parse(begun.Get("Location"))
	if err != nil {
		return fmt.Errorf("parse where the registry wants a blob: %w", err)
	}
	query := target.Query()
	query.Set("digest", b.Digest)
	target.RawQuery = query.Encode()
	_, err = exchange(ctx, r.client, "PUT", target.String(), "application/octet-stream", b.content)
	return err
}

// putManifest puts a manifest under a tag or a digest.
func (r *Registry) putManifest(ctx context.Context, repository, reference string, m blob) error {
	_, err := exchange(ctx, r.client, "PUT", r.direct+"/v2/"+repository+"/manifests/"+reference, m.MediaType, m.content)
	return err
}

// exchange sends one request to a registry and returns the header of the answer.
func exchange(ctx context.Context, client *http.Client, method, target, kind string, body []byte) (http.Header, error) {
	request, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("make a request to the registry: %w", err)
	}
	if kind != "" {
		request.Header.Set("Content-Type", kind)
	}
	answer, err := client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("ask the registry: %w", err)
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(io.LimitReader(answer.Body, 1<<10))
	if err != nil {
		return nil, fmt.Errorf("read the registry's answer: %w", err)
	}
	if answer.StatusCode >= 300 {
		return nil, fmt.Errorf("the registry refuses %s %s: %s: %s", method, target, answer.Status, said)
	}
	return answer.Header, nil
}
