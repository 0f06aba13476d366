FROM node:24-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev

# Node runs the TypeScript directly, so there is no build step.
FROM node:24-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json ./
COPY src ./src
COPY workers ./workers
# Served under /docs.
COPY *.md ./
COPY docs ./docs
# A volume that is mounted here gets this owner.
RUN mkdir -p .data/files && chown -R node:node .data
USER node
EXPOSE 8080
# Exec form: node itself receives SIGTERM, and drains.
CMD ["node", "src/server.ts"]
