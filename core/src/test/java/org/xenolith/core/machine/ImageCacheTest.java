package org.xenolith.core.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.xenolith.core.image.KernelImage;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;

@Timeout(value = 30, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class ImageCacheTest {
    @TempDir Path folder;

    private final CountDownLatch begun = new CountDownLatch(1);
    private final CountDownLatch goOn = new CountDownLatch(1);
    private final AtomicInteger reads = new AtomicInteger();
    private final ImageCache images = new ImageCache(KernelImage::read, this::readSlowly);
    private Path slow;
    private Path fast;

    @BeforeEach
    void files() throws IOException {
        slow = Files.write(folder.resolve("slow"), new byte[1]);
        fast = Files.write(folder.resolve("fast"), new byte[2]);
    }

    private byte[] readSlowly(Path file) throws IOException {
        reads.incrementAndGet();
        if (file.equals(slow)) {
            begun.countDown();
            try {
                goOn.await();
            } catch (InterruptedException e) {
                throw new InterruptedIOException();
            }
        }
        return Files.readAllBytes(file);
    }

    private CompletableFuture<byte[]> initrd(Path file) {
        CompletableFuture<byte[]> result = new CompletableFuture<>();
        Thread.ofPlatform()
                .daemon()
                .start(
                        () -> {
                            try {
                                result.complete(images.initrd(file));
                            } catch (IOException e) {
                                result.completeExceptionally(e);
                            }
                        });
        return result;
    }

    @Test
    void fileThatIsReadForLongHoldsUpNoOther() throws Exception {
        CompletableFuture<byte[]> first = initrd(slow);
        begun.await();
        Path kernel = BootFixture.lantern(folder);
        assertThat(images.kernel(kernel)).isNotNull();
        assertThat(images.initrd(fast)).hasSize(2);
        assertThat(first).isNotDone();
        goOn.countDown();
        assertThat(first.get()).hasSize(1);
    }

    @Test
    void guestsThatStartAtOnceFromOneFileReadItOnce() throws Exception {
        CompletableFuture<byte[]> first = initrd(slow);
        begun.await();
        CompletableFuture<byte[]> second = initrd(slow);
        goOn.countDown();
        assertThat(first.get()).isSameAs(second.get()).isSameAs(images.initrd(slow));
        assertThat(reads).hasValue(1);
    }

    @Test
    void fileThatCouldNotBeReadIsReadAnew() throws Exception {
        AtomicInteger tries = new AtomicInteger();
        ImageCache failing =
                new ImageCache(
                        KernelImage::read,
                        file -> {
                            if (tries.incrementAndGet() == 1) {
                                throw new IOException("the disk is away");
                            }
                            return Files.readAllBytes(file);
                        });
        assertThatThrownBy(() -> failing.initrd(fast)).hasMessage("the disk is away");
        assertThat(failing.initrd(fast)).hasSize(2);
    }
}
