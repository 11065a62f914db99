# ingest daemon. Build: docker build -t ingestd . Run: see compose.yaml. The root file system may be read-only: all that is written lies in
# /data (landing files, tables, state) and /tmp.
FROM node:22-bookworm AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund --ignore-scripts && npm rebuild better-sqlite3
COPY . .
RUN npm run build && npm prune --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:22-bookworm-slim
ENV NODE_ENV=production \
    INGEST_CONFIG=/etc/ingestd/ingest.yaml
WORKDIR /opt/ingestd
COPY --from=build /build/package.json /build/LICENSE ./
COPY --from=build /build/node_modules ./node_modules
COPY --from=build /build/dist ./dist
COPY --from=build /build/web ./web
RUN ln -s /opt/ingestd/dist/main.js /usr/local/bin/ingest && \
    mkdir -p /data /etc/ingestd && chown node:node /data
# node, by its number: Kubernetes' runAsNonRoot cannot look names up.
USER 1000:1000
WORKDIR /data
VOLUME /data
EXPOSE 9464
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:9464/healthz').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# SIGTERM finishes or gives back what runs.
STOPSIGNAL SIGTERM
ENTRYPOINT ["ingest"]
CMD ["daemon"]
