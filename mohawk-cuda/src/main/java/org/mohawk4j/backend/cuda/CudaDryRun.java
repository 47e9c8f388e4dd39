package org.mohawk4j.backend.cuda;

import java.util.List;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.DryRun;
import org.mohawk4j.backend.cuda.driver.DryDevice;
import org.mohawk4j.backend.cuda.memory.CudaArray;

/** What a device was not there to do. */
record CudaDryRun(DryDevice device) implements DryRun {
    @Override
    public List<Launch> launches() {
        return device.launches();
    }

    @Override
    public void forgetLaunches() {
        device.forgetLaunches();
    }

    @Override
    public List<Allocation> live() {
        return device.live();
    }

    @Override
    public void startPeak() {
        device.startPeak();
    }

    @Override
    public List<Allocation> peak() {
        return device.peak();
    }

    @Override
    public long addressOf(Array array) {
        return device.start(CudaArray.cast(array).address());
    }
}
