package org.mohawk4j.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mohawk4j.InvalidInputException;

class ChatTemplateTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final List<Map<String, Object>> CONVERSATION = List.of(
            ChatTemplate.message("system", "Be brief."),
            ChatTemplate.message("user", "Hi "),
            ChatTemplate.message("assistant", "Hello"),
            ChatTemplate.message("user", "Bye"));

    /** The system's text goes into the first turn, roles have to alternate. */
    private static final String INSTRUCTIONS = """
            {{- bos_token }}
            {%- if messages[0]['role'] == 'system' %}
                {%- set system = messages[0]['content'] ~ '\\n\\n' %}
                {%- set turns = messages[1:] %}
            {%- else %}
                {%- set system = '' %}
                {%- set turns = messages %}
            {%- endif %}
            {%- for turn in turns %}
                {%- if (turn.role == 'user') != (loop.index0 is even) %}
                    {{- raise_exception('roles have to alternate') }}
                {%- endif %}
                {%- if turn.role == 'user' %}
                    {{- '[Q] ' + (system if loop.first else '') + turn.content | trim + ' [/Q]' }}
                {%- else %}
                    {{- ' ' ~ turn.content ~ eos_token }}
                {%- endif %}
            {%- endfor %}
            """;

    /** Every turn between marks; the reply is begun. */
    private static final String MARKS =
            "{% for m in messages %}{{ '<|' + m['role'] + '|>\n' + m['content'] + '<|end|>' + '\n' }}{% endfor %}"
                    + "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}";

    @TempDir
    private Path folder;

    private void config(Object template) throws IOException {
        ObjectNode config = JSON.createObjectNode();
        config.put("bos_token", "<s>").putObject("eos_token").put("content", "</s>");
        config.set("chat_template", JSON.valueToTree(template));
        JSON.writeValue(folder.resolve("tokenizer_config.json").toFile(), config);
    }

    private String render() {
        return ChatTemplate.require(folder).render(CONVERSATION);
    }

    @Test
    void aConversationIsRenderedWithItsSpecialTokens() throws IOException {
        config(INSTRUCTIONS);

        assertThat(render()).isEqualTo("<s>[Q] Be brief.\n\nHi [/Q] Hello</s>[Q] Bye [/Q]");
    }

    @Test
    void theReplyIsBegun() throws IOException {
        config(MARKS);

        assertThat(render())
                .isEqualTo("<|system|>\nBe brief.<|end|>\n<|user|>\nHi <|end|>\n<|assistant|>\nHello<|end|>\n"
                        + "<|user|>\nBye<|end|>\n<|assistant|>\n");
    }

    @Test
    void ofSeveralTemplatesTheDefaultIsTaken() throws IOException {
        config(List.of(
                Map.of("name", "tool_use", "template", "no"),
                Map.of("name", "default", "template", "{{ eos_token }}")));
        assertThat(render()).isEqualTo("</s>");

        config(List.of(Map.of("name", "tool_use", "template", "no")));
        assertThatThrownBy(this::render)
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("expected a chat template named default, found tool_use");
    }

    @Test
    void aTemplateInAFileOfItsOwnCountsMore() throws IOException {
        config("in the configuration");
        Files.writeString(folder.resolve("chat_template.jinja"), "in its own file: {{ bos_token }}\n");

        assertThat(render()).isEqualTo("in its own file: <s>");
    }

    @Test
    void aModelWithoutATemplateIsOneLine() throws IOException {
        assertThat(ChatTemplate.find(folder)).isEmpty();
        assertThatThrownBy(this::render)
                .isInstanceOf(InvalidInputException.class)
                .hasMessage(folder + ": expected a chat template in tokenizer_config.json or chat_template.jinja,"
                        + " found none");
    }

    @Test
    void whatATemplateDoesNotTakeIsOneLine() throws IOException {
        config(INSTRUCTIONS);
        ChatTemplate template = ChatTemplate.require(folder);

        assertThatThrownBy(() -> template.render(List.of(ChatTemplate.message("assistant", "I begin"))))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage("chat template: roles have to alternate");

        config("a\n{% nonsense %}");
        assertThatThrownBy(this::render)
                .isInstanceOf(InvalidInputException.class)
                .hasMessage(folder + ": chat template: line 2: no tag is named 'nonsense'");
    }
}
