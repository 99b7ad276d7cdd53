package org.xenolith.core.machine;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;

import org.xenolith.core.backend.AttachedDevice;
import org.xenolith.core.control.ControlException;
import org.xenolith.devices.net.NetworkSpec;

import java.io.IOException;
import java.util.concurrent.CompletableFuture;

/**
 * Network interfaces that come and go while their guest runs. One that came is there after a reboot
 * and a restore too; one that was told to go is not, whether the guest has let go of it or not.
 */
final class InterfaceVerbs {
    private final Host host;
    private final Guest guest;

    InterfaceVerbs(Host host, Guest guest) {
        this.host = host;
        this.guest = guest;
    }

    /** The answer is the interface's number. */
    JsonElement attach(JsonObject arguments) throws ControlException {
        JsonElement network = arguments.get("network");
        if (network == null || !network.isJsonPrimitive()) {
            throw new ControlException("network-attach needs a 'network'.");
        }
        if (guest.domain().hasEnded()) {
            throw new ControlException("The guest '" + guest.name() + "' has ended.");
        }
        try {
            NetworkSpec spec = NetworkSpec.parse(network.getAsString());
            return new JsonPrimitive(new DeviceAttacher(host, guest).attachNetwork(spec));
        } catch (IOException | IllegalArgumentException e) {
            throw new ControlException(e.getMessage() + ".");
        }
    }

    /** Asks the guest to let go of an interface; it may take its time, or not do it. */
    void detach(JsonObject arguments) throws ControlException {
        JsonElement id = arguments.get("id");
        if (id == null || !(id instanceof JsonPrimitive number) || !number.isNumber()) {
            throw new ControlException("network-detach needs the interface's number as 'id'.");
        }
        for (AttachedDevice attached : guest.devices().devices()) {
            if (attached.device().type().equals("vif")
                    && number.getAsString().equals("" + attached.device().id())) {
                detach(attached);
                return;
            }
        }
        throw new ControlException(
                "The guest '" + guest.name() + "' has no interface " + number.getAsString() + ".");
    }

    private void detach(AttachedDevice attached) {
        NetworkSpec left = guest.interfaces().remove(attached.device().id());
        CompletableFuture<Void> gone = attached.detach();
        if (left != null) {
            gone.whenComplete((_, _) -> host.network().closeIfUnused(left.uplink()));
        }
    }
}
