# docker build --build-arg VERSION=v1.2.3 -t birdwatch .
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=
RUN CGO_ENABLED=0 go build -buildvcs=false -ldflags "-s -w -X main.version=${VERSION}" -o /out/birdwatch ./cmd/birdwatch
RUN mkdir -p /out/data /out/tmp

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build --chown=65532:65532 /out/data /data
COPY --from=build --chown=65532:65532 /out/tmp /tmp
COPY --from=build /out/birdwatch /birdwatch
USER 65532:65532
# Inside a container only what is published or on its network gets here; who may read or write is still to be said.
ENV BIRDWATCH_DATA=/data BIRDWATCH_LISTEN=0.0.0.0:8080
VOLUME /data
EXPOSE 8080
# That the process lives. Whether the archive answers too says: birdwatch healthcheck --ready
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["/birdwatch", "healthcheck"]
ENTRYPOINT ["/birdwatch"]
CMD ["serve"]
