package org.mohawk4j.tokenizer.jinja;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.mohawk4j.tokenizer.jinja.value.TemplateException;

/** What published chat templates use, in templates of our own; what is expected was worked out by hand. */
class TemplateTest {
    private static final Clock CLOCK = Clock.fixed(Instant.parse("2024-07-04T09:05:06Z"), ZoneOffset.UTC);

    private static String render(String template) {
        Map<String, Object> tool = new LinkedHashMap<>();
        tool.put("name", "f");
        tool.put("args", List.of(1L, 2.5, true));
        return Template.parse(template)
                .render(
                        Map.of(
                                "messages",
                                List.of(
                                        Map.of("role", "system", "content", "Be good."),
                                        Map.of("role", "user", "content", " Hi {{ x }} "),
                                        Map.of("role", "assistant", "content", "Yo")),
                                "tool",
                                tool,
                                "bos_token",
                                "<s>",
                                "add_generation_prompt",
                                true),
                        CLOCK);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
                    {% for m in messages[::-1] %}{{ m.role }},{% endfor %}                    | assistant,user,system,
                    {% for m in messages[1:] %}{{ m['role'] }},{% endfor %}                   | user,assistant,
                    {{ messages[:-1][-1].role }} {{ 'abcde'[1:4:2] }} {{ [1, 2, 3][-1] }}     | user bd 3
                    {{ messages.0.role }} {{ messages.9 is defined }}                         | system False
                    {{ messages[9] is defined }} {{ 'abc'[::-1] }}                            | False cba""")
    void listsAndTextsAreSliced(String template, String expected) {
        assertThat(render(template)).isEqualTo(expected);
    }

    @Test
    void namespacesOutliveLoopsAndOtherNamesDoNot() {
        assertThat(render("{% set ns = namespace(seen=0) %}{% set n = 0 %}"
                        + "{% for m in messages %}{% set ns.seen = ns.seen + 1 %}{% set n = n + 1 %}{% endfor %}"
                        + "{{ ns.seen }}{{ n }}{% if true %}{% set n = 7 %}{% endif %}{{ n }}"))
                .isEqualTo("307");
    }

    @Test
    void loopsCanBeLeftFilteredAndEmpty() {
        assertThat(render("{% for m in messages %}{% if m.role == 'user' %}{% continue %}{% endif %}"
                        + "{{ loop.index0 }}{{ loop.first }}{{ loop.last }};{% endfor %}"))
                .isEqualTo("0TrueFalse;2FalseTrue;");
        assertThat(render("{% for i in range(9) %}{% if i == 2 %}{% break %}{% endif %}{{ i }}{% endfor %}"))
                .isEqualTo("01");
        assertThat(render("{% for m in messages if m.role != 'user' %}{{ loop.index }}/{{ loop.length }} {% endfor %}"))
                .isEqualTo("1/2 2/2 ");
        assertThat(render("{% for x in [] %}a{% else %}none{% endfor %}")).isEqualTo("none");
        assertThat(render("{% for m in messages %}{{ loop.previtem.role if loop.previtem is defined }}-{% endfor %}"))
                .isEqualTo("-system-user-");
        assertThat(render("{% for k, v in tool.items() %}{{ k }}={{ v }};{% endfor %}"))
                .isEqualTo("name=f;args=[1, 2.5, True];");
    }

    @Test
    void jsonIsThatOfPython() {
        assertThat(render("{{ tool | tojson }}")).isEqualTo("{\"name\": \"f\", \"args\": [1, 2.5, true]}");
        assertThat(render("{{ tool | tojson(indent=2) }}"))
                .isEqualTo("{\n  \"name\": \"f\",\n  \"args\": [\n    1,\n    2.5,\n    true\n  ]\n}");
        assertThat(render("{{ ['<é>\n', none, {}] | tojson }}")).isEqualTo("[\"<é>\\n\", null, {}]");
        assertThat(render("{{ {'b': {'c': []}, 'a': 1} | tojson(sort_keys=true, separators=(',', ':')) }}"))
                .isEqualTo("{\"a\":1,\"b\":{\"c\":[]}}");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
                    {{ messages[1].content.strip() }}                              | Hi {{ x }}
                    {{ 'a.b.c'.split('.')[-1] }} {{ 'abc'.startswith('ab') }}      | c True
                    {{ 'abc'.endswith(('x', 'c')) }} {{ 'aXb'.replace('X', '') }}  | True ab
                    {{ 'Ab'.upper() ~ 'Ab'.lower() ~ 'ab'.title() }}               | ABabAb
                    {{ 'xxhixx'.lstrip('x') }} {{ ' a  b '.split() }}              | hixx ['a', 'b']
                    {{ '%s=%d' % ('n', 3) }} {{ '{}-{}'.format(1, 'b') }}          | n=3 1-b""")
    void textsHaveTheMethodsOfPython(String template, String expected) {
        assertThat(render(template)).isEqualTo(expected);
    }

    @Test
    void filtersApplyInTheirOrder() {
        assertThat(render("{{ '  x ' | trim | upper }}{{ none_such | default('d') }}{{ '' | default('e', true) }}"))
                .isEqualTo("Xde");
        assertThat(render("{{ messages | selectattr('role', 'equalto', 'user') | map(attribute='content') | first }}"))
                .isEqualTo(" Hi {{ x }} ");
        assertThat(render("{{ messages | rejectattr('role', 'in', ['user']) | map(attribute='role') | join(', ') }}"))
                .isEqualTo("system, assistant");
        assertThat(render("{{ messages | length - 1 }} {{ -3 | abs }} {{ tool | items | list | length }}"))
                .isEqualTo("2 3 2");
    }

    @Test
    void testsTellKindsApart() {
        assertThat(render(
                        "{{ tool is mapping }} {{ tool.name is string }} {{ messages is iterable }} {{ none is none }}"
                                + " {{ none_such is defined }} {{ tool.name is not string }} {{ 4 is divisibleby 2 }}"))
                .isEqualTo("True True True True False False True");
    }

    @Test
    void operatorsAreThoseOfPython() {
        assertThat(
                        render(
                                "{{ 'a' ~ 1 ~ true }} {{ 'x' in 'xyz' and 'q' not in [1] }} {{ none_such or 'alt' }}"
                                        + " {{ 'yes' if tool else 'no' }} {{ 7 // 2 * 2 }} {{ 7 / 2 }} {{ not 1 == 2 }} {{ 1 < 2 < 2 }}"))
                .isEqualTo("a1True True alt yes 6 3.5 True False");
        assertThat(render("{{ ('user' == 'user') != (1 % 2 == 0) }} {{ 'ab' * 2 }} {{ {'a': {'b': 1}}.a['b'] }}"))
                .isEqualTo("True abab 1");
    }

    @Test
    void whiteSpaceAroundBlocksGoesAsTransformersSetsIt() {
        assertThat(render("a\n  {% if true %}\n  b\n  {% endif %}\nc\n")).isEqualTo("a\n  b\nc");
        assertThat(render("a  \n{%- if true -%}\n  b  \n{%- endif +%}\nc")).isEqualTo("ab\nc");
        assertThat(render("{{ 'a' }}\n{{- 'b' -}}\n  c\n\n")).isEqualTo("abc\n");
        assertThat(render("x {# no #}\ny{#- gone -#} z")).isEqualTo("x yz");
        assertThat(render("{% raw %}{{ kept }}{% endraw %}")).isEqualTo("{{ kept }}");
    }

    @Test
    void blocksThatAreMarkedAsGeneratedAreWritten() {
        assertThat(render("{% generation %}{{ messages[2].content }}{% endgeneration %}!"))
                .isEqualTo("Yo!");
    }

    @Test
    void macrosAndBlockAssignmentsGiveTexts() {
        assertThat(render("{% macro f(a, b='z') %}<{{ a }}{{ b }}>{% endmacro %}{{ f('x') }}{{ f('x', b='y') }}"
                        + "{% set t | upper %}abc{% endset %}{{ t }}{% set p, q = 1, 2 %}{{ p + q }}"))
                .isEqualTo("<xz><xy>ABC3");
    }

    @Test
    void theTimeIsThatOfTheClock() {
        assertThat(render("{{ strftime_now('%d %B %Y, %H:%M') }} {{ strftime_now('%-d %b') }}"))
                .isEqualTo("04 July 2024, 09:05 4 Jul");
    }

    @Test
    void contentIsNeverTakenForATemplate() {
        assertThat(render("{{ messages[1].content }}")).isEqualTo(" Hi {{ x }} ");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
                    {{ raise_exception('Roles must alternate') }} | Roles must alternate
                    {{ nobody.name }}                             | line 1: 'nobody' is undefined
                    {{ 'a' + 1 }}                                 | line 1: expected numbers around +
                    {% if true %}                                 | line 1: expected {% elif %} or {% else %} or {% endif %}
                    {% include 'x' %}                             | line 1: no tag is named 'include'
                    {{ messages[0].role.update(1) }}              | line 1: update is undefined
                    {% break %}                                   | line 1: break outside of a loop""")
    void whatIsWrongIsSaidWithItsLine(String template, String message) {
        assertThatThrownBy(() -> render(template))
                .isInstanceOf(TemplateException.class)
                .hasMessageContaining(message);
    }

    @Test
    void anUnknownFilterIsNamedBeforeAnythingIsRendered() {
        assertThatThrownBy(() -> Template.parse("a\n{{ 2 | nofilter }}"))
                .isInstanceOf(TemplateException.class)
                .hasMessage("line 2: no filter is named 'nofilter'");
    }

    @Test
    void endlessRecursionAndHugeRangesAreRefused() {
        assertThatThrownBy(() -> render("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}"))
                .isInstanceOf(TemplateException.class)
                .hasMessageContaining("nested too deep");
        assertThatThrownBy(() -> render("{% for i in range(1000000000) %}{% endfor %}"))
                .isInstanceOf(TemplateException.class)
                .hasMessageContaining("at most 100000 numbers");
        assertThatThrownBy(() -> render("{{ " + "(".repeat(5000) + "1" + ")".repeat(5000) + " }}"))
                .isInstanceOf(TemplateException.class)
                .hasMessageContaining("nested");
    }
}
