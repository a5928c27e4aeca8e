// KafkaJS requires `assert` as a function, which a module of its own shape is.
module.exports = (value, message = 'assertion failed') => {
  if (!value) throw new Error(message);
};
