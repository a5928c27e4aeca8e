/** Kafka's rule for topic names, which also makes them safe as folder names and as path segments of the tree. */
export const TOPIC_NAME_LENGTH_MAX = 249;

const LEGAL = /^[a-zA-Z0-9._-]+$/;

/** Why the name is refused, or null when it is legal. */
export const topicNameProblem = (name: string): string | null => {
  if (name.length === 0) return 'the topic name is empty';
  if (name === '.' || name === '..') return `the topic name cannot be "${name}"`;
  if (name.length > TOPIC_NAME_LENGTH_MAX) {
    return `the topic name is longer than ${TOPIC_NAME_LENGTH_MAX} characters`;
  }
  if (!LEGAL.test(name)) {
    return 'the topic name has characters other than ASCII letters, digits, ".", "_" and "-"';
  }
  return null;
};

/** Names that differ only in "." and "_" are one name to metrics systems, so Kafka refuses the second. */
export const collisionKey = (name: string): string => name.replaceAll('.', '_');
