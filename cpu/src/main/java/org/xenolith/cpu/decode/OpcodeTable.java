package org.xenolith.cpu.decode;

import java.util.ArrayList;
import java.util.List;

/**
 * The instructions we know, one line each: encoding, mnemonic, operands, properties. SDM vol. 2,
 * appendix A; 64-bit mode and 32-bit code.
 *
 * <p>Columns are set apart by two blanks or more. An encoding is, in this order:
 *
 * <ul>
 *   <li>{@code NP} (none of 66, F2, F3), {@code 66}, {@code F2} or {@code F3} where the prefix
 *       selects the instruction; without any of them the line holds for each prefix no other line
 *       claims;
 *   <li>{@code REX.W} where that bit selects the instruction;
 *   <li>the opcode with its escape bytes; {@code +r} where its low three bits name a register;
 *   <li>{@code /r}, or {@code /0} to {@code /7} where ModRM.reg is part of the opcode ({@code /0-5}
 *       for several); or a third byte where the whole ModRM byte is, {@code +i} when rm is free;
 *   <li>{@code ib iw iz iv o cb cz ap}: what follows, for the reader; the operands say the same.
 * </ul>
 *
 * <p>Operands that are memory only or register only decide which ModRM.mod a line holds for. Lines
 * may overlap: the more specific encoding wins. What the manual names differently by operand size
 * has one name here, that of the smallest: {@code cbw} for cwde and cdqe, {@code movs} for movsb to
 * movsq.
 *
 * <p>Lines with {@code INVALID_64} hold in 32-bit code only, those with {@code ONLY_64} or REX.W in
 * 64-bit mode only. SYSCALL, SYSRET and SYSENTER are in 32-bit code too: which of them a processor
 * has there depends on its maker, and is for those to know who execute them.
 *
 * <p>Absent lines raise #UD, among them everything that CPUID hides from guests: VEX and EVEX
 * forms, XSAVE, SMAP, RDSEED, VMX. TZCNT and LZCNT are F3-prefixed BSF and BSR to a processor that
 * lacks them, hence no lines of their own.
 */
public final class OpcodeTable {
    private static final String ONE_BYTE =
            """
            # arithmetic and logic
            00 /r                 add          EB, GB         LOCKABLE
            01 /r                 add          EV, GV         LOCKABLE
            02 /r                 add          GB, EB
            03 /r                 add          GV, EV
            04 ib                 add          AL, IB
            05 iz                 add          RAX, IZ
            08 /r                 or           EB, GB         LOCKABLE
            09 /r                 or           EV, GV         LOCKABLE
            0A /r                 or           GB, EB
            0B /r                 or           GV, EV
            0C ib                 or           AL, IB
            0D iz                 or           RAX, IZ
            10 /r                 adc          EB, GB         LOCKABLE
            11 /r                 adc          EV, GV         LOCKABLE
            12 /r                 adc          GB, EB
            13 /r                 adc          GV, EV
            14 ib                 adc          AL, IB
            15 iz                 adc          RAX, IZ
            18 /r                 sbb          EB, GB         LOCKABLE
            19 /r                 sbb          EV, GV         LOCKABLE
            1A /r                 sbb          GB, EB
            1B /r                 sbb          GV, EV
            1C ib                 sbb          AL, IB
            1D iz                 sbb          RAX, IZ
            20 /r                 and          EB, GB         LOCKABLE
            21 /r                 and          EV, GV         LOCKABLE
            22 /r                 and          GB, EB
            23 /r                 and          GV, EV
            24 ib                 and          AL, IB
            25 iz                 and          RAX, IZ
            28 /r                 sub          EB, GB         LOCKABLE
            29 /r                 sub          EV, GV         LOCKABLE
            2A /r                 sub          GB, EB
            2B /r                 sub          GV, EV
            2C ib                 sub          AL, IB
            2D iz                 sub          RAX, IZ
            30 /r                 xor          EB, GB         LOCKABLE
            31 /r                 xor          EV, GV         LOCKABLE
            32 /r                 xor          GB, EB
            33 /r                 xor          GV, EV
            34 ib                 xor          AL, IB
            35 iz                 xor          RAX, IZ
            38 /r                 cmp          EB, GB
            39 /r                 cmp          EV, GV
            3A /r                 cmp          GB, EB
            3B /r                 cmp          GV, EV
            3C ib                 cmp          AL, IB
            3D iz                 cmp          RAX, IZ
            80 /0 ib              add          EB, IB         LOCKABLE
            80 /1 ib              or           EB, IB         LOCKABLE
            80 /2 ib              adc          EB, IB         LOCKABLE
            80 /3 ib              sbb          EB, IB         LOCKABLE
            80 /4 ib              and          EB, IB         LOCKABLE
            80 /5 ib              sub          EB, IB         LOCKABLE
            80 /6 ib              xor          EB, IB         LOCKABLE
            80 /7 ib              cmp          EB, IB
            81 /0 iz              add          EV, IZ         LOCKABLE
            81 /1 iz              or           EV, IZ         LOCKABLE
            81 /2 iz              adc          EV, IZ         LOCKABLE
            81 /3 iz              sbb          EV, IZ         LOCKABLE
            81 /4 iz              and          EV, IZ         LOCKABLE
            81 /5 iz              sub          EV, IZ         LOCKABLE
            81 /6 iz              xor          EV, IZ         LOCKABLE
            81 /7 iz              cmp          EV, IZ
            82 /0 ib              add          EB, IB         LOCKABLE INVALID_64
            82 /1 ib              or           EB, IB         LOCKABLE INVALID_64
            82 /2 ib              adc          EB, IB         LOCKABLE INVALID_64
            82 /3 ib              sbb          EB, IB         LOCKABLE INVALID_64
            82 /4 ib              and          EB, IB         LOCKABLE INVALID_64
            82 /5 ib              sub          EB, IB         LOCKABLE INVALID_64
            82 /6 ib              xor          EB, IB         LOCKABLE INVALID_64
            82 /7 ib              cmp          EB, IB         INVALID_64
            83 /0 ib              add          EV, IBS        LOCKABLE
            83 /1 ib              or           EV, IBS        LOCKABLE
            83 /2 ib              adc          EV, IBS        LOCKABLE
            83 /3 ib              sbb          EV, IBS        LOCKABLE
            83 /4 ib              and          EV, IBS        LOCKABLE
            83 /5 ib              sub          EV, IBS        LOCKABLE
            83 /6 ib              xor          EV, IBS        LOCKABLE
            83 /7 ib              cmp          EV, IBS
            84 /r                 test         EB, GB
            85 /r                 test         EV, GV
            A8 ib                 test         AL, IB
            A9 iz                 test         RAX, IZ
            69 /r iz              imul         GV, EV, IZ
            6B /r ib              imul         GV, EV, IBS
            F6 /0 ib              test         EB, IB
            F6 /1 ib              test         EB, IB
            F6 /2                 not          EB             LOCKABLE
            F6 /3                 neg          EB             LOCKABLE
            F6 /4                 mul          EB
            F6 /5                 imul         EB
            F6 /6                 div          EB
            F6 /7                 idiv         EB
            F7 /0 iz              test         EV, IZ
            F7 /1 iz              test         EV, IZ
            F7 /2                 not          EV             LOCKABLE
            F7 /3                 neg          EV             LOCKABLE
            F7 /4                 mul          EV
            F7 /5                 imul         EV
            F7 /6                 div          EV
            F7 /7                 idiv         EV
            FE /0                 inc          EB             LOCKABLE
            FE /1                 dec          EB             LOCKABLE
            40+r                  inc          ZV             INVALID_64
            48+r                  dec          ZV             INVALID_64
            FF /0                 inc          EV             LOCKABLE
            FF /1                 dec          EV             LOCKABLE
            C0 /0 ib              rol          EB, IB
            C0 /1 ib              ror          EB, IB
            C0 /2 ib              rcl          EB, IB
            C0 /3 ib              rcr          EB, IB
            C0 /4 ib              shl          EB, IB
            C0 /5 ib              shr          EB, IB
            C0 /6 ib              shl          EB, IB
            C0 /7 ib              sar          EB, IB
            C1 /0 ib              rol          EV, IB
            C1 /1 ib              ror          EV, IB
            C1 /2 ib              rcl          EV, IB
            C1 /3 ib              rcr          EV, IB
            C1 /4 ib              shl          EV, IB
            C1 /5 ib              shr          EV, IB
            C1 /6 ib              shl          EV, IB
            C1 /7 ib              sar          EV, IB
            D0 /0                 rol          EB, ONE
            D0 /1                 ror          EB, ONE
            D0 /2                 rcl          EB, ONE
            D0 /3                 rcr          EB, ONE
            D0 /4                 shl          EB, ONE
            D0 /5                 shr          EB, ONE
            D0 /6                 shl          EB, ONE
            D0 /7                 sar          EB, ONE
            D1 /0                 rol          EV, ONE
            D1 /1                 ror          EV, ONE
            D1 /2                 rcl          EV, ONE
            D1 /3                 rcr          EV, ONE
            D1 /4                 shl          EV, ONE
            D1 /5                 shr          EV, ONE
            D1 /6                 shl          EV, ONE
            D1 /7                 sar          EV, ONE
            D2 /0                 rol          EB, CL
            D2 /1                 ror          EB, CL
            D2 /2                 rcl          EB, CL
            D2 /3                 rcr          EB, CL
            D2 /4                 shl          EB, CL
            D2 /5                 shr          EB, CL
            D2 /6                 shl          EB, CL
            D2 /7                 sar          EB, CL
            D3 /0                 rol          EV, CL
            D3 /1                 ror          EV, CL
            D3 /2                 rcl          EV, CL
            D3 /3                 rcr          EV, CL
            D3 /4                 shl          EV, CL
            D3 /5                 shr          EV, CL
            D3 /6                 shl          EV, CL
            D3 /7                 sar          EV, CL
            98                    cbw          -
            99                    cwd          -
            27                    daa          -              INVALID_64
            2F                    das          -              INVALID_64
            37                    aaa          -              INVALID_64
            3F                    aas          -              INVALID_64
            D4 ib                 aam          IB             INVALID_64
            D5 ib                 aad          IB             INVALID_64
            D6                    salc         -              INVALID_64

            # data movement
            88 /r                 mov          EB, GB
            89 /r                 mov          EV, GV
            8A /r                 mov          GB, EB
            8B /r                 mov          GV, EV
            8C /0-5               mov          MW, SW
            8C /0-5               mov          RV, SW
            8E /0                 mov          SW, EW
            8E /2-5               mov          SW, EW
            A0 o                  mov          AL, OB
            A1 o                  mov          RAX, OV
            A2 o                  mov          OB, AL
            A3 o                  mov          OV, RAX
            B0+r ib               mov          ZB, IB
            B8+r iv               mov          ZV, IV
            C6 /0 ib              mov          EB, IB
            C7 /0 iz              mov          EV, IZ
            63 /r                 movsxd       GV, ED         ONLY_64
            8D /r                 lea          GV, M
            C4 /r                 les          GV, MP         INVALID_64
            C5 /r                 lds          GV, MP         INVALID_64
            86 /r                 xchg         EB, GB         LOCKABLE
            87 /r                 xchg         EV, GV         LOCKABLE
            90+r                  xchg         ZV, RAX
            90                    nop          -
            F3 90                 pause        -
            D7                    xlat         -
            9E                    sahf         -
            9F                    lahf         -

            # stack
            06                    push         ES             INVALID_64
            0E                    push         CS             INVALID_64
            16                    push         SS             INVALID_64
            1E                    push         DS             INVALID_64
            07                    pop          ES             INVALID_64
            17                    pop          SS             INVALID_64
            1F                    pop          DS             INVALID_64
            60                    pusha        -              INVALID_64
            61                    popa         -              INVALID_64
            50+r                  push         ZV             DEFAULT_64
            58+r                  pop          ZV             DEFAULT_64
            68 iz                 push         IZ             DEFAULT_64
            6A ib                 push         IBS            DEFAULT_64
            8F /0                 pop          EV             DEFAULT_64
            FF /6                 push         EV             DEFAULT_64
            9C                    pushf        -              DEFAULT_64
            9D                    popf         -              DEFAULT_64
            C8 iw ib              enter        IW, IB         DEFAULT_64
            C9                    leave        -              DEFAULT_64

            # strings
            A4                    movs         YB, XB         REP
            A5                    movs         YV, XV         REP
            A6                    cmps         XB, YB         REP REPZ
            A7                    cmps         XV, YV         REP REPZ
            AA                    stos         YB, AL         REP
            AB                    stos         YV, RAX        REP
            AC                    lods         AL, XB         REP
            AD                    lods         RAX, XV        REP
            AE                    scas         AL, YB         REP REPZ
            AF                    scas         RAX, YV        REP REPZ
            6C                    ins          YB, DX         REP ENDS_BLOCK PRIVILEGED
            6D                    ins          YV, DX         REP ENDS_BLOCK PRIVILEGED
            6E                    outs         DX, XB         REP ENDS_BLOCK PRIVILEGED
            6F                    outs         DX, XV         REP ENDS_BLOCK PRIVILEGED

            # control transfer
            70 cb                 jo           JB             FORCE_64 ENDS_BLOCK
            71 cb                 jno          JB             FORCE_64 ENDS_BLOCK
            72 cb                 jb           JB             FORCE_64 ENDS_BLOCK
            73 cb                 jae          JB             FORCE_64 ENDS_BLOCK
            74 cb                 je           JB             FORCE_64 ENDS_BLOCK
            75 cb                 jne          JB             FORCE_64 ENDS_BLOCK
            76 cb                 jbe          JB             FORCE_64 ENDS_BLOCK
            77 cb                 ja           JB             FORCE_64 ENDS_BLOCK
            78 cb                 js           JB             FORCE_64 ENDS_BLOCK
            79 cb                 jns          JB             FORCE_64 ENDS_BLOCK
            7A cb                 jp           JB             FORCE_64 ENDS_BLOCK
            7B cb                 jnp          JB             FORCE_64 ENDS_BLOCK
            7C cb                 jl           JB             FORCE_64 ENDS_BLOCK
            7D cb                 jge          JB             FORCE_64 ENDS_BLOCK
            7E cb                 jle          JB             FORCE_64 ENDS_BLOCK
            7F cb                 jg           JB             FORCE_64 ENDS_BLOCK
            E0 cb                 loopne       JB             FORCE_64 ENDS_BLOCK
            E1 cb                 loope        JB             FORCE_64 ENDS_BLOCK
            E2 cb                 loop         JB             FORCE_64 ENDS_BLOCK
            E3 cb                 jrcxz        JB             FORCE_64 ENDS_BLOCK
            E8 cz                 call         JZ             FORCE_64 ENDS_BLOCK
            E9 cz                 jmp          JZ             FORCE_64 ENDS_BLOCK
            EB cb                 jmp          JB             FORCE_64 ENDS_BLOCK
            FF /2                 call         EV             FORCE_64 ENDS_BLOCK
            FF /4                 jmp          EV             FORCE_64 ENDS_BLOCK
            C2 iw                 ret          IW             FORCE_64 ENDS_BLOCK
            C3                    ret          -              FORCE_64 ENDS_BLOCK
            FF /3                 callf        MP             ENDS_BLOCK
            FF /5                 jmpf         MP             ENDS_BLOCK
            9A ap                 callf        AP             ENDS_BLOCK INVALID_64
            EA ap                 jmpf         AP             ENDS_BLOCK INVALID_64
            CA iw                 retf         IW             ENDS_BLOCK
            CB                    retf         -              ENDS_BLOCK
            CC                    int3         -              ENDS_BLOCK
            CD ib                 int          IB             ENDS_BLOCK
            CE                    into         -              ENDS_BLOCK INVALID_64
            CF                    iret         -              ENDS_BLOCK
            F1                    int1         -              ENDS_BLOCK

            # flags, ports, processor control
            F5                    cmc          -
            F8                    clc          -
            F9                    stc          -
            FC                    cld          -
            FD                    std          -
            FA                    cli          -              ENDS_BLOCK PRIVILEGED
            FB                    sti          -              ENDS_BLOCK PRIVILEGED
            62 /r                 bound        GV, MA         INVALID_64
            63 /r                 arpl         EW, GW         INVALID_64
            F4                    hlt          -              ENDS_BLOCK PRIVILEGED
            E4 ib                 in           AL, IB         ENDS_BLOCK PRIVILEGED
            E5 ib                 in           RAX, IB        ENDS_BLOCK PRIVILEGED
            E6 ib                 out          IB, AL         ENDS_BLOCK PRIVILEGED
            E7 ib                 out          IB, RAX        ENDS_BLOCK PRIVILEGED
            EC                    in           AL, DX         ENDS_BLOCK PRIVILEGED
            ED                    in           RAX, DX        ENDS_BLOCK PRIVILEGED
            EE                    out          DX, AL         ENDS_BLOCK PRIVILEGED
            EF                    out          DX, RAX        ENDS_BLOCK PRIVILEGED

            # x87
            9B                    fwait        -
            D8 /r                 esc0         -              ESCAPE
            D9 /r                 esc1         -              ESCAPE
            DA /r                 esc2         -              ESCAPE
            DB /r                 esc3         -              ESCAPE
            DC /r                 esc4         -              ESCAPE
            DD /r                 esc5         -              ESCAPE
            DE /r                 esc6         -              ESCAPE
            DF /r                 esc7         -              ESCAPE
            """;

    private static final String TWO_BYTE =
            """
            # system
            0F 00 /0              sldt         MW
            0F 00 /0              sldt         RV
            0F 00 /1              str          MW
            0F 00 /1              str          RV
            0F 00 /2              lldt         EW             ENDS_BLOCK PRIVILEGED
            0F 00 /3              ltr          EW             ENDS_BLOCK PRIVILEGED
            0F 00 /4              verr         EW
            0F 00 /5              verw         EW
            0F 01 /0              sgdt         M
            0F 01 /1              sidt         M
            0F 01 /2              lgdt         M              ENDS_BLOCK PRIVILEGED
            0F 01 /3              lidt         M              ENDS_BLOCK PRIVILEGED
            0F 01 /4              smsw         MW
            0F 01 /4              smsw         RV
            0F 01 /6              lmsw         EW             ENDS_BLOCK PRIVILEGED
            0F 01 /7              invlpg       MB             ENDS_BLOCK PRIVILEGED
            0F 01 C8              monitor      -              ENDS_BLOCK PRIVILEGED
            0F 01 C9              mwait        -              ENDS_BLOCK PRIVILEGED
            0F 01 F8              swapgs       -              ENDS_BLOCK PRIVILEGED ONLY_64
            0F 01 F9              rdtscp       -
            0F 02 /r              lar          GV, EW
            0F 03 /r              lsl          GV, EW
            0F 05                 syscall      -              ENDS_BLOCK
            0F 06                 clts         -              ENDS_BLOCK PRIVILEGED
            0F 07                 sysret       -              ENDS_BLOCK PRIVILEGED
            0F 08                 invd         -              ENDS_BLOCK PRIVILEGED
            0F 09                 wbinvd       -              ENDS_BLOCK PRIVILEGED
            0F 0B                 ud2          -              ENDS_BLOCK
            0F B9 /r              ud1          GV, EV         ENDS_BLOCK
            0F FF /r              ud0          GV, EV         ENDS_BLOCK
            0F 20 /0              mov          RQ, CD         ENDS_BLOCK PRIVILEGED
            0F 20 /2-4            mov          RQ, CD         ENDS_BLOCK PRIVILEGED
            0F 21 /r              mov          RQ, DD         ENDS_BLOCK PRIVILEGED
            0F 22 /0              mov          CD, RQ         ENDS_BLOCK PRIVILEGED
            0F 22 /2-4            mov          CD, RQ         ENDS_BLOCK PRIVILEGED
            0F 23 /r              mov          DD, RQ         ENDS_BLOCK PRIVILEGED
            0F 30                 wrmsr        -              ENDS_BLOCK PRIVILEGED
            0F 31                 rdtsc        -
            0F 32                 rdmsr        -              ENDS_BLOCK PRIVILEGED
            0F 33                 rdpmc        -              ENDS_BLOCK PRIVILEGED
            0F 34                 sysenter     -              ENDS_BLOCK
            0F 35                 sysexit      -              ENDS_BLOCK PRIVILEGED
            0F A2                 cpuid        -
            F3 0F AE /0           rdfsbase     RY             ONLY_64
            F3 0F AE /1           rdgsbase     RY             ONLY_64
            F3 0F AE /2           wrfsbase     RY             ONLY_64
            F3 0F AE /3           wrgsbase     RY             ONLY_64

            # floating point state, caches, fences
            NP 0F AE /0           fxsave       M
            NP REX.W 0F AE /0     fxsave64     M
            NP 0F AE /1           fxrstor      M
            NP REX.W 0F AE /1     fxrstor64    M
            NP 0F AE /2           ldmxcsr      MD
            NP 0F AE /3           stmxcsr      MD
            NP 0F AE /7           clflush      MB
            NP 0F AE E8+i         lfence       -
            NP 0F AE F0+i         mfence       -
            NP 0F AE F8+i         sfence       -
            0F 18 /0              prefetchnta  MB
            0F 18 /1              prefetcht0   MB
            0F 18 /2              prefetcht1   MB
            0F 18 /3              prefetcht2   MB
            0F 0D /0              prefetch     MB
            0F 0D /1              prefetchw    MB
            0F 0D /2              prefetchwt1  MB
            0F 0D /3-7            prefetch     MB

            # hint no-operations: what a later processor gave a meaning does nothing here
            0F 0D /r              nop          RV
            0F 18 /0-3            nop          RV
            0F 18 /4-7            nop          EV
            0F 19 /r              nop          EV
            0F 1A /r              nop          EV
            0F 1B /r              nop          EV
            0F 1C /r              nop          EV
            0F 1D /r              nop          EV
            0F 1E /r              nop          EV
            0F 1F /r              nop          EV
            F3 0F 1E FA           endbr64      -
            F3 0F 1E FB           endbr32      -

            # conditions
            0F 40 /r              cmovo        GV, EV
            0F 41 /r              cmovno       GV, EV
            0F 42 /r              cmovb        GV, EV
            0F 43 /r              cmovae       GV, EV
            0F 44 /r              cmove        GV, EV
            0F 45 /r              cmovne       GV, EV
            0F 46 /r              cmovbe       GV, EV
            0F 47 /r              cmova        GV, EV
            0F 48 /r              cmovs        GV, EV
            0F 49 /r              cmovns       GV, EV
            0F 4A /r              cmovp        GV, EV
            0F 4B /r              cmovnp       GV, EV
            0F 4C /r              cmovl        GV, EV
            0F 4D /r              cmovge       GV, EV
            0F 4E /r              cmovle       GV, EV
            0F 4F /r              cmovg        GV, EV
            0F 80 cz              jo           JZ             FORCE_64 ENDS_BLOCK
            0F 81 cz              jno          JZ             FORCE_64 ENDS_BLOCK
            0F 82 cz              jb           JZ             FORCE_64 ENDS_BLOCK
            0F 83 cz              jae          JZ             FORCE_64 ENDS_BLOCK
            0F 84 cz              je           JZ             FORCE_64 ENDS_BLOCK
            0F 85 cz              jne          JZ             FORCE_64 ENDS_BLOCK
            0F 86 cz              jbe          JZ             FORCE_64 ENDS_BLOCK
            0F 87 cz              ja           JZ             FORCE_64 ENDS_BLOCK
            0F 88 cz              js           JZ             FORCE_64 ENDS_BLOCK
            0F 89 cz              jns          JZ             FORCE_64 ENDS_BLOCK
            0F 8A cz              jp           JZ             FORCE_64 ENDS_BLOCK
            0F 8B cz              jnp          JZ             FORCE_64 ENDS_BLOCK
            0F 8C cz              jl           JZ             FORCE_64 ENDS_BLOCK
            0F 8D cz              jge          JZ             FORCE_64 ENDS_BLOCK
            0F 8E cz              jle          JZ             FORCE_64 ENDS_BLOCK
            0F 8F cz              jg           JZ             FORCE_64 ENDS_BLOCK
            0F 90 /r              seto         EB
            0F 91 /r              setno        EB
            0F 92 /r              setb         EB
            0F 93 /r              setae        EB
            0F 94 /r              sete         EB
            0F 95 /r              setne        EB
            0F 96 /r              setbe        EB
            0F 97 /r              seta         EB
            0F 98 /r              sets         EB
            0F 99 /r              setns        EB
            0F 9A /r              setp         EB
            0F 9B /r              setnp        EB
            0F 9C /r              setl         EB
            0F 9D /r              setge        EB
            0F 9E /r              setle        EB
            0F 9F /r              setg         EB

            # bits and double shifts
            0F A3 /r              bt           EV, GV
            0F AB /r              bts          EV, GV         LOCKABLE
            0F B3 /r              btr          EV, GV         LOCKABLE
            0F BB /r              btc          EV, GV         LOCKABLE
            0F BA /4 ib           bt           EV, IB
            0F BA /5 ib           bts          EV, IB         LOCKABLE
            0F BA /6 ib           btr          EV, IB         LOCKABLE
            0F BA /7 ib           btc          EV, IB         LOCKABLE
            0F A4 /r ib           shld         EV, GV, IB
            0F A5 /r              shld         EV, GV, CL
            0F AC /r ib           shrd         EV, GV, IB
            0F AD /r              shrd         EV, GV, CL
            0F BC /r              bsf          GV, EV
            0F BD /r              bsr          GV, EV
            F3 0F B8 /r           popcnt       GV, EV
            F2 0F 38 F0 /r        crc32        GY, EB
            F2 0F 38 F1 /r        crc32        GY, EV
            0F C8+r               bswap        ZV
            NP 0F 38 F0 /r        movbe        GV, MV
            66 0F 38 F0 /r        movbe        GV, MV
            NP 0F 38 F1 /r        movbe        MV, GV
            66 0F 38 F1 /r        movbe        MV, GV

            # data movement and exchange
            0F A0                 push         FS             DEFAULT_64
            0F A1                 pop          FS             DEFAULT_64
            0F A8                 push         GS             DEFAULT_64
            0F A9                 pop          GS             DEFAULT_64
            0F AF /r              imul         GV, EV
            0F B0 /r              cmpxchg      EB, GB         LOCKABLE
            0F B1 /r              cmpxchg      EV, GV         LOCKABLE
            0F B2 /r              lss          GV, MP
            0F B4 /r              lfs          GV, MP
            0F B5 /r              lgs          GV, MP
            0F B6 /r              movzx        GV, EB
            0F B7 /r              movzx        GV, EW
            0F BE /r              movsx        GV, EB
            0F BF /r              movsx        GV, EW
            0F C0 /r              xadd         EB, GB         LOCKABLE
            0F C1 /r              xadd         EV, GV         LOCKABLE
            NP 0F C3 /r           movnti       MY, GY
            0F C7 /1              cmpxchg8b    MQ             LOCKABLE
            REX.W 0F C7 /1        cmpxchg16b   MX             LOCKABLE
            NP 0F C7 /6           rdrand       RV
            66 0F C7 /6           rdrand       RV
            """;

    private static final List<OpcodeRow> ROWS = readRows();

    private OpcodeTable() {}

    /** Every row; {@link OpcodeRow#id} is the index. */
    public static List<OpcodeRow> rows() {
        return ROWS;
    }

    private static List<OpcodeRow> readRows() {
        List<OpcodeRow> rows = new ArrayList<>();
        addRows(rows, ONE_BYTE, 0);
        addRows(rows, TWO_BYTE, 0);
        for (SimdOpcodes.Extension extension : SimdOpcodes.EXTENSIONS) {
            addRows(rows, extension.rows(), OpcodeRow.SIMD);
        }
        return List.copyOf(rows);
    }

    private static void addRows(List<OpcodeRow> rows, String lines, int commonFlags) {
        for (String line : lines.split("\n")) {
            if (!line.isBlank() && !line.startsWith("#")) {
                rows.add(parseLine(rows.size(), line, commonFlags));
            }
        }
    }

    private static OpcodeRow parseLine(int id, String line, int commonFlags) {
        List<String> columns = columns(line);
        int flags = columns.size() > 3 ? parseFlags(columns.get(3)) : 0;
        // There is no REX in 32-bit code.
        flags |= columns.get(0).contains("REX.W") ? OpcodeRow.ONLY_64 : 0;
        return new OpcodeRow(
                id,
                columns.get(0),
                columns.get(1),
                parseOperands(columns.get(2)),
                flags | commonFlags);
    }

    /**
     * What two blanks or more set apart. By hand, since a guest's first instruction waits for the
     * tables: with regular expressions they took twice as long in a JVM that has just started.
     */
    private static List<String> columns(String line) {
        List<String> columns = new ArrayList<>();
        int start = 0;
        while (start < line.length()) {
            int gap = line.indexOf("  ", start);
            int end = gap < 0 ? line.length() : gap;
            columns.add(line.substring(start, end));
            start = end;
            while (start < line.length() && line.charAt(start) == ' ') {
                start++;
            }
        }
        return columns;
    }

    private static List<Operand> parseOperands(String column) {
        if (column.equals("-")) {
            return List.of();
        }
        List<Operand> operands = new ArrayList<>();
        for (String code : column.split(", ")) {
            operands.add(Operand.valueOf(code));
        }
        return List.copyOf(operands);
    }

    private static int parseFlags(String column) {
        int flags = 0;
        for (String name : column.split(" ")) {
            flags |= parseFlag(name);
        }
        return flags;
    }

    private static int parseFlag(String name) {
        return switch (name) {
            case "LOCKABLE" -> OpcodeRow.LOCKABLE;
            case "DEFAULT_64" -> OpcodeRow.DEFAULT_64;
            case "FORCE_64" -> OpcodeRow.FORCE_64;
            case "ENDS_BLOCK" -> OpcodeRow.ENDS_BLOCK;
            case "REP" -> OpcodeRow.REP;
            case "REPZ" -> OpcodeRow.REPZ;
            case "ESCAPE" -> OpcodeRow.ESCAPE;
            case "PRIVILEGED" -> OpcodeRow.PRIVILEGED;
            case "INVALID_64" -> OpcodeRow.INVALID_64;
            case "ONLY_64" -> OpcodeRow.ONLY_64;
            default ->
                    throw new IllegalArgumentException("property " + name + " in the opcode table");
        };
    }
}
