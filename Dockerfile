# Images of both processes: `docker build --target agent -t headroom-agent:0.1.0 .` and the same for aggregator.
# .ci/image.mjs makes all that goes into them; what is stated here again (entry point, environment, user, working directory) is held
# to its image.json by test/integration/image.test.ts.

# The same Debian and the same major Node as the final stages': addons are built against both.
FROM node:24-bookworm AS build
WORKDIR /src
COPY .npmrc package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN npm run --if-present build:native
RUN node .ci/image.mjs --out /out

FROM gcr.io/distroless/nodejs24-debian12:nonroot AS agent
COPY --from=build /out/agent/rootfs/ /
WORKDIR /headroom
USER 65532:65532
ENTRYPOINT ["/nodejs/bin/node", "--max-semi-space-size=1", "--v8-pool-size=1", "/headroom/bin/main.mjs"]

FROM gcr.io/distroless/nodejs24-debian12:nonroot AS aggregator
COPY --from=build /out/aggregator/rootfs/ /
WORKDIR /headroom
USER 65532:65532
ENV MALLOC_ARENA_MAX=1 MALLOC_MMAP_THRESHOLD_=16384 MALLOC_TOP_PAD_=16384 MALLOC_TRIM_THRESHOLD_=131072
ENTRYPOINT ["/nodejs/bin/node", "--max-semi-space-size=1", "/headroom/bin/main.mjs"]
