package org.mohawk4j.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Every decoder of the tokenizers library, alone and as models combine them, on random ids. */
class StreamedDecodersTest {
    private static final String LLAMA =
            "{'type':'Sequence','decoders':[{'type':'Replace','pattern':{'String':'\u2581'},"
                    + "'content':' '},{'type':'ByteFallback'},{'type':'Fuse'},{'type':'Strip','content':' ','start':1,'stop':0}]}";

    /** Ids that have no token are holes, as some vocabularies have them. */
    private static final String[] TOKENS = {
        "a",
        "b",
        "\u2581a",
        "\u2581",
        "\u2581\u2581b",
        "##c",
        "is",
        "'",
        "n't",
        ".",
        " .",
        " ",
        "",
        "lo</w>",
        "w</w>",
        "</w>x",
        "\u4e16",
        "\ud83d\ude00",
        "\ufffd",
        "|",
        "<pad>",
        "<0x41>",
        "<0x0A>",
        "<0x20>",
        "<0xE2>",
        "<0x82>",
        "<0xAC>",
        "<0xF0>",
        "<0x9F>",
        "<0x98>",
        "<0x80>",
        "<0xFF>",
        "<0xEF>",
        "<0xBF>",
        "<0xBD>",
        null,
        "\u0120a",
        "\u0120",
        "\u00e2\u0124",
        "\u00ac",
        "\u00f0\u0141",
        "\u013a",
        "\u0122",
        "\u00e2",
        "a\u00e2",
        "\u00ef\u00bf\u00bd",
        "\u0124"
    };

    @TempDir
    Path folder;

    @ParameterizedTest
    @CsvSource(
            delimiter = '~',
            quoteCharacter = '`',
            value = {
                "null",
                LLAMA,
                "{'type':'ByteLevel','add_prefix_space':true,'trim_offsets':true,'use_regex':true}",
                "{'type':'ByteFallback'}",
                "{'type':'WordPiece','prefix':'##','cleanup':true}",
                "{'type':'WordPiece','prefix':'##','cleanup':false}",
                "{'type':'Metaspace','replacement':'\u2581','prepend_scheme':'always','split':true}",
                "{'type':'Metaspace','replacement':'\u2581','prepend_scheme':'never','split':true}",
                "{'type':'BPEDecoder','suffix':'</w>'}",
                "{'type':'BPEDecoder','suffix':''}",
                "{'type':'CTC','pad_token':'<pad>','word_delimiter_token':'|','cleanup':true}",
                "{'type':'Strip','content':' ','start':2,'stop':0}",
                "{'type':'Replace','pattern':{'Regex':'a|.$'},'content':'zz'}",
                "{'type':'Fuse'}",
                "{'type':'Sequence','decoders':[]}",
                "{'type':'Sequence','decoders':[{'type':'ByteFallback'},{'type':'Metaspace','replacement':'\u2581',"
                        + "'prepend_scheme':'always','split':true},{'type':'Fuse'}]}",
                "{'type':'Sequence','decoders':[{'type':'ByteLevel','add_prefix_space':true,'trim_offsets':true,"
                        + "'use_regex':true},{'type':'Strip','content':' ','start':2,'stop':0}]}",
                "{'type':'Sequence','decoders':[{'type':'ByteFallback'},{'type':'WordPiece','prefix':'##','cleanup':true}]}",
                "{'type':'Sequence','decoders':[{'type':'ByteFallback'},{'type':'CTC','pad_token':'<pad>',"
                        + "'word_delimiter_token':'|','cleanup':true}]}",
                "{'type':'Sequence','decoders':[{'type':'CTC','pad_token':'<pad>','word_delimiter_token':'|',"
                        + "'cleanup':true},{'type':'WordPiece','prefix':'##','cleanup':true}]}",
                "{'type':'Sequence','decoders':[{'type':'BPEDecoder','suffix':'</w>'},{'type':'Fuse'},"
                        + "{'type':'Strip','content':'l','start':1,'stop':0}]}",
                "{'type':'Sequence','decoders':[{'type':'ByteFallback'},{'type':'BPEDecoder','suffix':'</w>'}]}",
                "{'type':'Sequence','decoders':[{'type':'ByteFallback'},{'type':'Strip','content':' ','start':1,'stop':0}]}",
                "{'type':'Sequence','decoders':[{'type':'ByteFallback'},{'type':'Replace','pattern':{'String':'\ufffd'},"
                        + "'content':'?'}]}",
                "{'type':'Sequence','decoders':[{'type':'Fuse'},{'type':'Replace','pattern':{'Regex':'(?m)^.*b.*$'},"
                        + "'content':''}]}",
                "{'type':'Sequence','decoders':[{'type':'Fuse'},{'type':'WordPiece','prefix':'##','cleanup':true}]}",
                "{'type':'Sequence','decoders':[{'type':'Sequence','decoders':[{'type':'Fuse'}]},{'type':'ByteLevel',"
                        + "'add_prefix_space':true,'trim_offsets':true,'use_regex':true}]}",
            })
    void allPiecesTogetherAreTheWhole(String decoder) throws IOException {
        TokenizerJson tokenizer = tokenizer(decoder);
        Random random = new Random(decoder.hashCode());
        for (int i = 0; i < 300; i++) {
            int[] ids = random.ints(1 + random.nextInt(24), 0, TOKENS.length).toArray();

            assertThat(String.join("", pieces(tokenizer, ids)))
                    .as("%s", IntStream.of(ids).mapToObj(id -> TOKENS[id]).toList())
                    .isEqualTo(tokenizer.decode(ids));
        }
    }

    @Test
    void bytesComeOutOnceWhatFollowsCannotChangeThem() throws IOException {
        TokenizerJson llama = tokenizer(LLAMA);

        assertThat(pieces(llama, ids("a", "<0xE2>", "<0x82>", "<0xAC>", "b", "<0xF0>", "<0x9F>", "<0x98>", "<0x80>")))
                .containsExactly("a", "", "", "", "\u20acb", "", "", "", "", "\ud83d\ude00");
        assertThat(pieces(llama, ids("\u2581a", "<0x0A>", "\u2581a"))).containsExactly("a", "", "\n a", "");
        assertThat(pieces(llama, ids("<0x41>", "<0xFF>", "a"))).containsExactly("", "", "\ufffd\ufffda", "");
    }

    @Test
    void otherDecodersHoldNothingBack() throws IOException {
        assertThat(pieces(tokenizer("{'type':'WordPiece','prefix':'##','cleanup':true}"), ids("a", "is", "##c", ".")))
                .containsExactly("a", " is", "c", ".", "");
        assertThat(pieces(tokenizer("{'type':'BPEDecoder','suffix':'</w>'}"), ids("a", "lo</w>", "w</w>")))
                .containsExactly("a", "lo", " w", "");
    }

    @Test
    void aTextThatIsThereAlreadyIsLookedBackOn() throws IOException {
        StreamingDecoder words =
                StreamingDecoder.behind(tokenizer("{'type':'WordPiece','prefix':'##','cleanup':true}"), ids("a"));
        assertThat(words.next(ids("is", "##c"))).isEqualTo(" isc");

        StreamingDecoder llama = StreamingDecoder.behind(tokenizer(LLAMA), ids("\u2581a", "<0x0A>", "<0xE2>"));
        assertThat(llama.next(ids("<0x82>"))).isEmpty();
        assertThat(llama.next(ids("<0xAC>", "\u2581a"))).isEqualTo("\u20ac a");
    }

    @Test
    void positionsCountWholeCharacters() throws IOException {
        assertThat(positions(LLAMA, "\u2581a", "<0x41>", "<0x0A>", "<0xE2>", "<0x82>", "<0xAC>", "\ud83d\ude00", "b"))
                .containsExactly(0, 1, 2, 3, 3, 3, 4, 5);
        assertThat(positions(
                        "{'type':'ByteLevel','add_prefix_space':true,'trim_offsets':true,'use_regex':true}",
                        "a\u00e2",
                        "\u0124",
                        "\u00ac",
                        "\u00ac",
                        "\u00f0\u0141",
                        "b"))
                .as("the fourth begins no character, the fifth is never completed")
                .containsExactly(0, 1, 1, 2, 3, 3);
        assertThat(positions("{'type':'WordPiece','prefix':'##','cleanup':true}", "a", "is", "##c", "b"))
                .containsExactly(0, 1, 4, 5);
    }

    private List<Integer> positions(String decoder, String... tokens) throws IOException {
        StreamingDecoder streaming = new StreamingDecoder(tokenizer(decoder));
        List<Integer> positions = new ArrayList<>();
        for (int id : ids(tokens)) {
            positions.add(streaming.position());
            streaming.next(id);
        }
        return positions;
    }

    @Test
    void idsBeyondTheVocabularyAddNothing() throws IOException {
        int[] padded = {0, TOKENS.length, 1, 1 << 20};
        assertThat(pieces(tokenizer(LLAMA), padded)).containsExactly("a", "", "b", "", "");
    }

    private static int[] ids(String... tokens) {
        List<String> all = Arrays.asList(TOKENS);
        return IntStream.range(0, tokens.length)
                .map(i -> all.indexOf(tokens[i]))
                .toArray();
    }

    static List<String> pieces(TokenizerJson tokenizer, int... ids) {
        StreamingDecoder decoder = new StreamingDecoder(tokenizer);
        List<String> pieces = new ArrayList<>();
        for (int id : ids) {
            pieces.add(decoder.next(id));
        }
        pieces.add(decoder.finish());
        return pieces;
    }

    private TokenizerJson tokenizer(String decoder) throws IOException {
        StringBuilder vocabulary = new StringBuilder();
        for (int i = 0; i < TOKENS.length; i++) {
            if (TOKENS[i] != null) {
                vocabulary
                        .append(i > 0 ? ",'" : "'")
                        .append(TOKENS[i].replace("'", "`"))
                        .append("':")
                        .append(i);
            }
        }
        String json = "{'version':'1.0','truncation':null,'padding':null,'added_tokens':[],'normalizer':null,"
                + "'pre_tokenizer':null,'post_processor':null,'decoder':" + decoder
                + ",'model':{'type':'WordLevel','unk_token':'a','vocab':{" + vocabulary + "}}}";
        return TokenizerJson.load(Files.writeString(
                folder.resolve("tokenizer.json"), json.replace('\'', '"').replace('`', '\'')));
    }
}
