# What a fresh Debian machine lacks is set up by e2e/setup.sh, which says what it does and stops what it started.
SETUP   := e2e/setup.sh
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)
LINTER  := honnef.co/go/tools/cmd/staticcheck@v0.8.2

.PHONY: build demo test unit test-full soak bench lint fuzz clean

build: ## the binary, static and stripped, in bin/
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/fairlead ./cmd/fairlead

demo: ## the whole story on real parts, from nothing
	$(SETUP) run go run ./e2e/demo

test: ## unit tests and end-to-end tests, with the race detector
	$(SETUP) run go run ./e2e/tally test

unit: ## what needs no Engine, registry or database
	go test -race -shuffle=on ./...

test-full: ## make test, and the long ones; ends with a table of what ran
	$(SETUP) run go run ./e2e/tally full

soak: ## the longest: deaths at every point, and at random moments
	$(SETUP) run go run ./e2e/tally soak

bench: ## ratios, each measured in one run
	$(SETUP) run go test -tags e2e -run '^$$' -bench . -benchtime 1x -count 1 ./e2e/...
	go test -run '^$$' -bench . ./internal/journal/...

lint: ## formatting, vet, static analysis
	@test -z "$$(gofmt -l cmd internal e2e)" || { gofmt -l cmd internal e2e; echo 'run gofmt -w on these'; exit 1; }
	go vet -tags 'e2e full soak failpoint' ./...
	go mod tidy -diff
	go run $(LINTER) -tags 'e2e full soak failpoint' ./...

fuzz: ## every fuzzer for a short while; one that executed too few inputs fails
	go run ./e2e/tally fuzz

clean:
	rm -rf bin
