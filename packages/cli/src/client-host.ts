export { createClientHost, createWebSocketClientHost } from '@odradek/node';
