import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.clients.consumer.ConsumerGroupMetadata;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor.Assignment;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor.Subscription;
import org.apache.kafka.clients.consumer.CooperativeStickyAssignor;
import org.apache.kafka.clients.consumer.RangeAssignor;
import org.apache.kafka.clients.consumer.RoundRobinAssignor;
import org.apache.kafka.clients.consumer.StickyAssignor;
import org.apache.kafka.clients.consumer.internals.AbstractPartitionAssignor;
import org.apache.kafka.clients.consumer.internals.ConsumerProtocol;
import org.apache.kafka.clients.producer.internals.BuiltInPartitioner;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.utils.Utils;

/**
 * What Apache Kafka's own classes make of the cases on standard input (one JSON object a line), one JSON object a line on
 * standard output: {"key"} is hashed; {"life"} is led by each assignor, every round with what the rounds before gave.
 */
public final class Vectors {
    private static final ObjectMapper JSON = new ObjectMapper();

    public static void main(String[] args) throws Exception {
        for (String line : new String(System.in.readAllBytes(), "UTF-8").split("\n")) {
            JsonNode given = JSON.readTree(line);
            if (given.has("key")) hash(given);
            else for (String name : List.of("range", "roundrobin", "sticky", "cooperative-sticky")) lead(given, name);
        }
    }

    private static void hash(JsonNode given) throws Exception {
        byte[] key = HexFormat.of().parseHex(given.get("key").asText());
        int partitions = given.get("partitions").asInt();
        say(JSON.createObjectNode()
            .put("key", given.get("key").asText())
            .put("hash", Utils.murmur2(key))
            .put("partitions", partitions)
            .put("partition", BuiltInPartitioner.partitionForKey(key, partitions)));
    }

    private static void lead(JsonNode life, String name) throws Exception {
        List<Map<String, List<TopicPartition>>> past = new ArrayList<>();
        for (JsonNode round : life.get("rounds")) {
            Map<String, Integer> topics = new HashMap<>();
            round.get("topics").fields().forEachRemaining(it -> topics.put(it.getKey(), it.getValue().asInt()));
            Map<String, Subscription> subscriptions = new HashMap<>();
            ArrayNode members = JSON.createArrayNode();
            for (JsonNode member : round.get("members")) {
                String id = member.get("id").asText();
                int remembers = member.get("remembers").asInt();
                List<TopicPartition> owned = remembers < 0
                    ? List.of()
                    : past.get(remembers).getOrDefault(member.get("claimsOf").asText(), List.of());
                int generation = remembers < 0 ? -1 : remembers + 1;
                Subscription subscription = subscriptionOf(name, member, owned, generation);
                subscriptions.put(id, subscription);
                ObjectNode said = JSON.createObjectNode().put("id", id);
                if (member.has("instance")) said.put("instance", member.get("instance").asText());
                said.set("topics", member.get("topics"));
                said.put("owned", shown(owned)).put("generation", generation);
                said.put("words", words(subscription));
                members.add(said);
            }
            Map<String, List<TopicPartition>> assigned = assignorOf(name).assign(topics, subscriptions);
            ObjectNode assignment = JSON.createObjectNode();
            assigned.keySet().stream().sorted().forEach(id -> assignment.put(id, shown(assigned.get(id))));
            ObjectNode vector = JSON.createObjectNode()
                .put("assignor", name)
                .put("life", life.get("life").asInt())
                .put("round", past.size());
            vector.set("topics", round.get("topics"));
            vector.set("members", members);
            vector.set("assignment", assignment);
            say(vector);
            past.add(assigned);
        }
    }

    private static AbstractPartitionAssignor assignorOf(String name) {
        return switch (name) {
            case "range" -> new RangeAssignor();
            case "roundrobin" -> new RoundRobinAssignor();
            case "sticky" -> new StickyAssignor();
            default -> new CooperativeStickyAssignor();
        };
    }

    /** As a Java consumer tells it when it joins. */
    @SuppressWarnings("removal")
    private static Subscription subscriptionOf(String name, JsonNode member, List<TopicPartition> owned, int generation) {
        List<String> topics = new ArrayList<>();
        member.get("topics").forEach(it -> topics.add(it.asText()));
        AbstractPartitionAssignor assignor = assignorOf(name);
        ConsumerGroupMetadata group = new ConsumerGroupMetadata("group", generation, member.get("id").asText(), Optional.empty());
        if (generation >= 0) assignor.onAssignment(new Assignment(owned), group);
        ByteBuffer userData = assignor.subscriptionUserData(new java.util.HashSet<>(topics));
        // Eager members have given everything back before they join.
        boolean isCooperative = name.startsWith("cooperative");
        Subscription subscription = new Subscription(topics, userData, isCooperative ? owned : List.of(), generation, Optional.empty());
        if (member.has("instance")) subscription.setGroupInstanceId(Optional.of(member.get("instance").asText()));
        return subscription;
    }

    /** The bytes that go over the wire. */
    private static String words(Subscription subscription) {
        ByteBuffer bytes = ConsumerProtocol.serializeSubscription(subscription).duplicate();
        byte[] copy = new byte[bytes.remaining()];
        bytes.get(copy);
        return HexFormat.of().formatHex(copy);
    }

    private static String shown(List<TopicPartition> partitions) {
        List<TopicPartition> sorted = new ArrayList<>(partitions);
        sorted.sort(Comparator.comparing(TopicPartition::topic).thenComparingInt(TopicPartition::partition));
        return String.join(" ", sorted.stream().map(it -> it.topic() + "/" + it.partition()).toList());
    }

    private static void say(ObjectNode vector) throws Exception {
        System.out.println(JSON.writeValueAsString(vector));
    }
}
