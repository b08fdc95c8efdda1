# Everyday commands. Anything longer than a line or two is a script in ci/.

.DEFAULT_GOAL := help
.PHONY: help run build wasm pack test size bench chaos hostile siege fuzz lint fmt deps clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## start the demo and print its address (ARGS='--help' lists its options)
	@ci/run.sh $(ARGS)

build: wasm ## build the command, ./attache
	go build -trimpath -o attache .

wasm: ## build the browser module into web/dist
	go run ./web/pack

test: ## install what is missing, then check everything
	ci/test.sh

pack: wasm ## build the npm package, ./attache-chat-VERSION.tgz
	npm pack ./web

size: ## report how much of the browser module each package is
	go run ./web/pack -weight

bench: wasm ## measure against the peers (ARGS='-rounds 3 -only small' for less)
	go -C test run ./bench $(ARGS)

chaos: wasm ## kill processes, cut wires, check that nothing is lost (ARGS=-full for every promise at its size)
	go test -count=1 -tags=chaos -run='Election|InACluster' ./proxy/objects
	go -C test run ./chaos $(ARGS)

siege: wasm ## attack the command, and measure what good users notice (ARGS='-only pings,strangers' for less)
	go -C test run ./siege $(ARGS)

hostile: ## check 100,000 hostile inputs of each kind against oracles (HOSTILE=1000 for less)
	ATTACHE_HOSTILE=$${HOSTILE:-100000} go test -count=1 -timeout 60m -run Oracle ./bridge ./proxy/token ./proxy

fuzz: ## run every fuzz target for FUZZTIME (10s)
	ci/fuzz.sh

lint: wasm ## formatting, vet, staticcheck, types, forbidden things
	ci/lint.sh

fmt: ## format the Go sources
	gofmt -w $$(git ls-files --cached --others --exclude-standard '*.go')

deps: ## install what the tests need: Chromium, the TypeScript compiler
	ci/deps.sh

clean: ## remove what was built
	rm -f attache web/dist/attache.wasm* web/dist/*.js web/dist/.stamp
