package org.mohawk4j.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;

/** Model folders with headers of weights, behind which there are holes instead of numbers. */
final class PlanFolders {
    private PlanFolders() {}

    /** Of Llama 3.2 1B's shapes: 2.5 GB of which nothing is on the disk. */
    static Path llama(Path folder) throws IOException {
        Files.writeString(Files.createDirectories(folder).resolve("config.json"), """
                {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 2048,
                 "num_hidden_layers": 16, "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 64,
                 "intermediate_size": 8192, "vocab_size": 128256, "tie_word_embeddings": true,
                 "max_position_embeddings": 131072, "rms_norm_eps": 1e-5, "rope_theta": 500000.0,
                 "hidden_act": "silu", "attention_bias": false, "mlp_bias": false,
                 "rope_scaling": {"factor": 32.0, "high_freq_factor": 4.0, "low_freq_factor": 1.0,
                                  "original_max_position_embeddings": 8192, "rope_type": "llama3"}}
                """);
        Map<String, long[]> tensors = new LinkedHashMap<>();
        tensors.put("model.embed_tokens.weight", new long[] {128256, 2048});
        tensors.put("model.norm.weight", new long[] {2048});
        for (int i = 0; i < 16; i++) {
            String layer = "model.layers." + i + ".";
            tensors.put(layer + "input_layernorm.weight", new long[] {2048});
            tensors.put(layer + "post_attention_layernorm.weight", new long[] {2048});
            tensors.put(layer + "self_attn.q_proj.weight", new long[] {2048, 2048});
            tensors.put(layer + "self_attn.k_proj.weight", new long[] {512, 2048});
            tensors.put(layer + "self_attn.v_proj.weight", new long[] {512, 2048});
            tensors.put(layer + "self_attn.o_proj.weight", new long[] {2048, 2048});
            tensors.put(layer + "mlp.gate_proj.weight", new long[] {8192, 2048});
            tensors.put(layer + "mlp.up_proj.weight", new long[] {8192, 2048});
            tensors.put(layer + "mlp.down_proj.weight", new long[] {2048, 8192});
        }
        write(folder.resolve("model.safetensors"), tensors);
        return folder;
    }

    private static void write(Path file, Map<String, long[]> tensors) throws IOException {
        StringBuilder header = new StringBuilder();
        long at = 0;
        for (Map.Entry<String, long[]> tensor : tensors.entrySet()) {
            long bytes = Short.BYTES;
            StringBuilder shape = new StringBuilder();
            for (long extent : tensor.getValue()) {
                bytes *= extent;
                shape.append(shape.isEmpty() ? "" : ",").append(extent);
            }
            header.append(header.isEmpty() ? "{" : ",")
                    .append('"')
                    .append(tensor.getKey())
                    .append("\":{\"dtype\":\"BF16\",\"shape\":[")
                    .append(shape)
                    .append("],\"data_offsets\":[")
                    .append(at)
                    .append(',')
                    .append(at + bytes)
                    .append("]}");
            at += bytes;
        }
        byte[] json = header.append('}').toString().getBytes(UTF_8);
        try (FileChannel channel = FileChannel.open(
                file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE, StandardOpenOption.SPARSE)) {
            channel.write(ByteBuffer.allocate(Long.BYTES + json.length)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putLong(json.length)
                    .put(json)
                    .flip());
            // the last byte of the data
            channel.write(ByteBuffer.allocate(1), Long.BYTES + json.length + at - 1);
        }
    }
}
