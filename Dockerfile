# One ledger node. Build: docker build -t linli .    Try four organisations on one machine: docker-compose up
# A node's home is the volume /home/node/linli; nothing else is written (the root may be read-only, with a tmpfs on /tmp).

FROM node:24-bookworm-slim AS program
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY build.ts ./
COPY src src
# The pinned Node from the npm packages node-linux-* is for machines without Node 24; this image has it.
RUN node build.ts \
  && cp -rL dist program \
  && npm prune --omit=dev \
  && rm -rf node_modules/node-linux-* node_modules/.bin/node

FROM node:24-bookworm-slim
ENV NODE_ENV=production MALLOC_ARENA_MAX=1 LINLI_HOME=/home/node/linli LINLI_GENESIS=/home/node/linli/genesis.json
WORKDIR /app
COPY --from=program /app/node_modules node_modules
COPY --from=program /app/program dist
COPY package.json ./
# What dist was made of, to be read beside it; the documents of contracts are used from here.
COPY src src
COPY config config
# The command for people inside the container: docker-compose exec property linli query status
RUN ln -s /app/dist/main.js /usr/local/bin/linli \
  && chmod +x dist/main.js \
  && install -d -o node -g node -m 0700 /home/node/linli
USER node
VOLUME /home/node/linli
# 26000: the other members. 26100: clients, if rpc.host in node.yaml lets them in.
EXPOSE 26000 26100
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["node", "config/docker/health.mjs"]
ENTRYPOINT ["node", "--max-semi-space-size=16", "--heap-growing-percent=75", "--no-allocation-site-pretenuring", "dist/main.js"]
CMD ["start"]
