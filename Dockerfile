FROM node:24-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev

# Node runs the TypeScript itself: nothing is built.
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
USER node
EXPOSE 8080
# Exec form: node is the process that gets SIGTERM, and drains.
CMD ["node", "src/server.ts"]
