# What a fresh Debian machine lacks is set up by e2e/setup.sh, which says what it does and stops what it started.
SETUP   := e2e/setup.sh
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)
LINTER  := honnef.co/go/tools/cmd/staticcheck@v0.8.2
NFPM    := github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.45.0

# What is packaged. A version that no tag names is made of the last commit's time, and so is every time in a package.
DIST        := dist
STAGE        = $(DIST)/stage
ARCH        := $(shell go env GOARCH)
EPOCH       := $(shell git log -1 --format=%ct 2>/dev/null || echo 0)
DEB_VERSION := $(shell git describe --tags --match 'v[0-9]*' 2>/dev/null | sed 's/^v//; s/-/+/; s/-/./g' | grep . || \
	TZ=UTC0 git log -1 --date=format-local:%Y%m%d%H%M%S --format=0.0+git%cd.%h 2>/dev/null || echo 0.0)
PACKAGE      = $(DIST)/fairlead_$(DEB_VERSION)_$(ARCH)

.PHONY: deb tarball stage build demo test unit test-full soak bench lint fuzz clean

build: ## the binary, static and stripped, in bin/
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/fairlead ./cmd/fairlead

deb: stage ## the Debian package, in dist/
	SOURCE_DATE_EPOCH=$(EPOCH) STAGE=$(STAGE) DEB_VERSION=$(DEB_VERSION) DEB_ARCH=$(ARCH) \
	  go run $(NFPM) package --config systemd/package/nfpm.yaml --packager deb --target $(PACKAGE).deb

tarball: stage ## the same for other systems: $(PACKAGE).tar.gz is made with the tree

stage: # what is installed, as a tree, with the tarball and the list of what the binary is made of beside it
	rm -rf $(STAGE)
	CGO_ENABLED=0 GOARCH=$(ARCH) go build -trimpath -ldflags '$(LDFLAGS)' -o $(STAGE)/usr/bin/fairlead ./cmd/fairlead
	SOURCE_DATE_EPOCH=$(EPOCH) go run ./systemd/package/stage -tree $(STAGE) -version $(DEB_VERSION) \
	  -tarball $(PACKAGE).tar.gz -sbom $(PACKAGE).cdx.json

demo: ## the whole story on real parts, from nothing
	$(SETUP) run go run ./e2e/demo

test: ## unit tests and end-to-end tests, with the race detector
	$(SETUP) run go run ./e2e/tally test

unit: ## what needs no Engine, registry or database
	go test -race -shuffle=on ./...

test-full: ## make test, and the long ones; ends with a table of what ran
	FAIRLEAD_E2E_FULL=1 $(SETUP) run go run ./e2e/tally full

soak: ## the longest: deaths at every point, and at random moments
	$(SETUP) run go run ./e2e/tally soak

bench: ## ratios, each measured in one run
	$(SETUP) run go test -tags e2e -run '^$$' -bench . -benchtime 1x -count 1 ./e2e/...
	go test -run '^$$' -bench . ./internal/journal/...

lint: ## formatting, vet, static analysis
	@test -z "$$(gofmt -l cmd internal e2e systemd)" || { gofmt -l cmd internal e2e systemd; echo 'run gofmt -w on these'; exit 1; }
	go vet -tags 'e2e full soak failpoint' ./...
	go mod tidy -diff
	go run $(LINTER) -tags 'e2e full soak failpoint' ./...

fuzz: ## every fuzzer for a short while; one that executed too few inputs fails
	go run ./e2e/tally fuzz

clean:
	rm -rf bin $(DIST)
