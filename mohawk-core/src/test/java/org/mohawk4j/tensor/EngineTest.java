package org.mohawk4j.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.mixer.DiscreteMamba2;
import org.mohawk4j.mixer.MatrixMixer;
import org.mohawk4j.mixer.MixerState;
import org.mohawk4j.nn.Mlp;
import org.mohawk4j.op.Activation;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.testing.Float64Test;

/** What an engine says when it is used after its end, or by two threads. */
class EngineTest extends Float64Test {
    private static final String CLOSED = "the nd4j engine is used after it was closed";

    private final ExecutorService other = Executors.newSingleThreadExecutor(task -> new Thread(task, "other"));

    @AfterEach
    void stop() {
        other.shutdownNow();
    }

    private static Engine closed() {
        Engine engine = Engine.open("nd4j", BackendOptions.defaults().withThreads(1));
        engine.close();
        return engine;
    }

    private static void assertClosed(Runnable use) {
        assertThatThrownBy(use::run).isInstanceOf(IllegalStateException.class).hasMessage(CLOSED);
    }

    @Test
    void aClosedEngineSaysSoWhateverIsAskedOfIt() {
        Engine engine = closed();
        assertClosed(engine::scope);
        assertClosed(engine::currentScope);
        assertClosed(() -> engine.zeros(2));
        assertClosed(() -> engine.tensor(new double[] {1}, 1));
        assertClosed(() -> engine.indices(new int[] {1}, 1));
        assertClosed(() -> engine.tape(List.of()));
        assertClosed(() -> engine.scoped(() -> engine.zeros(2)));
        assertThatCode(engine::close).doesNotThrowAnyException();
    }

    @Test
    void whatOutlivesAClosedEngineSaysSo() {
        Engine engine = Engine.open("nd4j", BackendOptions.defaults().withThreads(1));
        Scope owner = engine.detachedScope();
        Tensor kept = owner.adopt(engine.zeros(2, 2));
        Mlp mlp = new Mlp(engine, 2, 3, Activation.NONE, new SplittableRandom(1));
        mlp.apply(kept);
        MatrixMixer mixer = new DiscreteMamba2.Config(2, 1, 1, 2, 2, 4).create(engine, new SplittableRandom(1));
        MixerState state = mixer.newState(1);
        mixer.forward(kept.reshape(1, 2, 2), state);
        engine.close();
        assertClosed(kept::neg);
        assertClosed(kept::toDoubles);
        assertClosed(() -> kept.fullLike(1));
        assertClosed(() -> kept.pad(0, 1, 0));
        assertClosed(() -> kept.matmul(kept));
        assertClosed(() -> kept.cast(DType.FLOAT64));
        assertClosed(() -> owner.adopt(kept));
        assertClosed(() -> mlp.apply(kept));
        assertClosed(() -> mixer.newState(1));
        assertThatCode(() -> {
                    state.close();
                    mixer.close();
                    mlp.close();
                    owner.free(kept);
                    owner.close();
                })
                .doesNotThrowAnyException();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void anEngineThatAnotherThreadIsAtWorkOnNamesBoth(boolean tape) throws InterruptedException, ExecutionException {
        Tensor x = engine().zeros(2);
        String expected = "the nd4j engine is used by thread 'other' while thread '"
                + Thread.currentThread().getName() + "' has a scope or a tape open on it; one thread at a time uses an"
                + " engine";
        try (AutoCloseable open = tape ? engine().tape(List.of(x)) : engine().scope()) {
            for (Runnable use : new Runnable[] {
                engine()::scope,
                () -> engine().zeros(2),
                x::neg,
                x::toDoubles,
                () -> engine().tape(List.of(x)),
                () -> engine().detachedScope().adopt(x),
                engine()::close
            }) {
                other.submit(() -> assertThatThrownBy(use::run)
                                .isInstanceOf(IllegalStateException.class)
                                .hasMessage(expected))
                        .get();
            }
            assertThat(x.add(1).toDoubles()).containsExactly(1, 1);
            assertThat(open).isNotNull();
        } catch (InterruptedException | ExecutionException e) {
            throw e;
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void aScopeOfAnotherThreadIsNotClosed() throws InterruptedException, ExecutionException {
        try (Scope scope = engine().scope()) {
            other.submit(() -> assertThatThrownBy(scope::close).hasMessageContaining("thread 'other' while thread"))
                    .get();
            assertThat(scope.adopt(engine().zeros(1)).item()).isZero();
        }
    }

    @Test
    void whatAnotherThreadMayNotFreeIsFreedByTheRightOne() throws InterruptedException, ExecutionException {
        long before = engine().backend().memory().liveBytes();
        Scope detached = engine().detachedScope();
        Tensor freed = detached.adopt(engine().zeros(10));
        detached.adopt(engine().zeros(20));
        try (Scope scope = engine().scope()) {
            other.submit(() -> {
                        assertThatThrownBy(detached::close).hasMessageContaining("thread 'other' while thread");
                        assertThatThrownBy(() -> detached.free(freed))
                                .hasMessageContaining("thread 'other' while thread");
                    })
                    .get();
        }
        detached.free(freed);
        detached.close();
        assertThat(engine().backend().memory().liveBytes()).isEqualTo(before);
    }

    @Test
    void anEngineMayBeMadeHereAndUsedThere() throws InterruptedException, ExecutionException {
        Tensor x = engine().full(3, 2);
        Tensor there = other.submit(() -> {
                    try (Scope scope = engine().scope();
                            Tape tape = engine().tape(List.of(x))) {
                        return scope.keep(tape.gradients(x.square().sum()).of(x).orElseThrow());
                    }
                })
                .get();
        assertThat(there.toDoubles()).containsExactly(6, 6);
        other.submit(() -> assertThat(x.mul(2).toDoubles()).containsExactly(6, 6))
                .get();
    }

    @Test
    void aThreadThatEndedDoesNotKeepTheEngine() throws InterruptedException {
        Thread ends = new Thread(() -> engine().scope());
        ends.start();
        ends.join();
        assertThat(engine().full(2, 1).item()).isEqualTo(2);
    }

    /** Either thread may come first to each piece of work; none ever finds the other's scopes. */
    @Test
    void twoThreadsAtOnceAreToldSoAndDisturbNothing() throws InterruptedException {
        AtomicReference<Throwable> wrong = new AtomicReference<>();
        CountDownLatch done = new CountDownLatch(2);
        for (int i = 0; i < 2; i++) {
            new Thread(() -> {
                        for (int step = 0; step < 300; step++) {
                            try (Scope scope = engine().scope()) {
                                double sum = scope.adopt(engine().full(1, 10))
                                        .mul(2)
                                        .sum()
                                        .item();
                                assertThat(sum).isEqualTo(20);
                            } catch (IllegalStateException refused) {
                                if (!refused.getMessage().contains("one thread at a time uses an engine")) {
                                    wrong.set(refused);
                                }
                            } catch (RuntimeException | Error e) {
                                wrong.set(e);
                            }
                        }
                        done.countDown();
                    })
                    .start();
        }
        assertThat(done.await(60, TimeUnit.SECONDS)).isTrue();
        assertThat(wrong.get()).isNull();
    }
}
