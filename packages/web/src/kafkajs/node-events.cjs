// KafkaJS takes `events` both ways: as the class, and as a module that holds it.
const { EventEmitter } = require('./node-modules.ts');

module.exports = Object.assign(EventEmitter, { EventEmitter });
